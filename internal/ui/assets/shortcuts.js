// Shortcuts: / goes to the search, ? shows all of them, g and a letter go to a page. They are
// single characters, which dictation and trembling hands may send by accident, so they can be
// switched off; and they never act where somebody types or with a modifier held.
const storedAs = "shortcuts";
const sequenceMilliseconds = 1500;
const dialog = document.getElementById("shortcuts");
const toggle = document.getElementById("shortcuts-on");
let goUntil = 0;

if (dialog && toggle) {
  for (const opener of document.querySelectorAll("[data-shortcuts]")) opener.hidden = false;
  toggle.checked = enabled();
  toggle.addEventListener("change", () => remember(toggle.checked));
  document.addEventListener("keydown", pressed);
}

// Browsers may refuse storage; then the choice lasts as long as the page.
function enabled() {
  try {
    return localStorage.getItem(storedAs) !== "off";
  } catch {
    return true;
  }
}

function remember(on) {
  try {
    localStorage.setItem(storedAs, on ? "on" : "off");
  } catch {
    // the page still knows
  }
}

function pressed(event) {
  if (!toggle.checked || !meant(event)) return;
  const going = event.timeStamp < goUntil;
  goUntil = 0;
  if (going) {
    goTo(event);
  } else if (event.key === "g") {
    goUntil = event.timeStamp + sequenceMilliseconds;
  } else if (event.key === "/") {
    search(event);
  } else if (event.key === "?") {
    event.preventDefault();
    dialog.showModal();
  }
}

function meant(event) {
  if (event.defaultPrevented || event.repeat || event.isComposing || event.ctrlKey || event.metaKey || event.altKey) return false;
  if (event.target.closest?.("input, textarea, select, [contenteditable]")) return false;
  return !document.querySelector("dialog[open]");
}

function search(event) {
  const input = document.querySelector("main input[type=search]");
  if (!input) return;
  event.preventDefault();
  input.focus();
  input.select();
}

function goTo(event) {
  for (const link of document.querySelectorAll("#nav a[data-key]")) {
    if (link.dataset.key !== event.key) continue;
    event.preventDefault();
    location.assign(link.href);
    return;
  }
}
