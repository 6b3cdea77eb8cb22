// Copy buttons: button[data-copy-url] fetches the text by POST, so that it need not be in the
// page; button[data-copy-text] takes the text of the element with that id.
import { toast } from "./live.js";

const selector = "button[data-copy-url], button[data-copy-text]";
const doneMilliseconds = 2000;

/** Shows the copy buttons inside root, which are of no use without this script. */
export function reveal(root) {
  for (const button of root.querySelectorAll(selector)) button.hidden = false;
}

reveal(document);
document.addEventListener("click", (event) => {
  const button = event.target.closest?.(selector);
  if (button) copy(button);
});

async function copy(button) {
  if (button.getAttribute("aria-busy") === "true") return;
  button.setAttribute("aria-busy", "true");
  try {
    await put(textFor(button), button);
    done(button);
  } catch (error) {
    toast(error.advice ?? "Copying did not work. Show the key and copy it by hand.", "bad");
  } finally {
    button.removeAttribute("aria-busy");
  }
}

function textFor(button) {
  const url = button.dataset.copyUrl;
  if (url) return fetchText(url);
  return Promise.resolve(document.getElementById(button.dataset.copyText)?.textContent.trim() ?? "");
}

async function fetchText(url) {
  let response;
  try {
    response = await fetch(url, { method: "POST", headers: { Accept: "application/json" }, credentials: "same-origin", redirect: "manual" });
  } catch {
    throw advise("The server cannot be reached. Check your connection and try again.");
  }
  if (response.type === "opaqueredirect" || response.status === 401) {
    throw advise("You are no longer signed in. Reload the page and sign in again.");
  }
  const answer = await response.json().catch(() => ({}));
  if (!response.ok || typeof answer.key !== "string" || answer.key === "") {
    throw advise(answer.detail ?? answer.message);
  }
  return answer.key;
}

function advise(text) {
  const error = new Error(text);
  if (typeof text === "string" && text !== "") error.advice = text;
  return error;
}

// The clipboard exists on secure pages only, and Safari wants it asked for during the click,
// before the text is there: hence an item that holds a promise. Plain http has the old command.
async function put(text, button) {
  text.catch(() => {}); // answered below; a failure must not be reported as unhandled as well
  if (window.isSecureContext && navigator.clipboard) {
    try {
      await putPromised(text);
      return;
    } catch {
      await text; // a fetch that failed has its own advice
    }
  }
  const value = await text;
  try {
    await navigator.clipboard.writeText(value);
  } catch {
    if (!putSelected(value, button)) throw advise();
  }
}

function putPromised(text) {
  if (typeof ClipboardItem !== "function" || !navigator.clipboard.write) {
    return text.then((value) => navigator.clipboard.writeText(value));
  }
  const blob = text.then((value) => new Blob([value], { type: "text/plain" }));
  return navigator.clipboard.write([new ClipboardItem({ "text/plain": blob })]);
}

function putSelected(value, button) {
  const area = document.createElement("textarea");
  area.value = value;
  area.readOnly = true;
  area.className = "vh";
  area.setAttribute("aria-hidden", "true");
  // Inside an open dialog everything outside of it is inert and cannot be selected.
  (button.closest("dialog") ?? document.body).append(area);
  area.select();
  area.setSelectionRange(0, value.length);
  const copied = document.execCommand("copy");
  area.remove();
  button.focus({ preventScroll: true });
  return copied;
}

function done(button) {
  button.dataset.copied = "";
  setTimeout(() => delete button.dataset.copied, doneMilliseconds);
  toast(button.dataset.copyDone ?? "Key copied");
}
