// Messages for people: a toast that everybody sees and hears, or words for screen readers alone.

const toastSeconds = 5;

/** Shows a short message. It replaces the one before, so that a second press is heard too. */
export function toast(text, tone = "good") {
  const region = document.getElementById("toasts");
  if (!region) return;
  const message = document.createElement("p");
  message.textContent = text;
  message.dataset.tone = tone;
  region.replaceChildren(message);
  setTimeout(() => message.remove(), toastSeconds * 1000);
}

/** Says something to screen readers only. */
export function announce(text) {
  const region = document.getElementById("announce");
  if (region) region.textContent = text;
}
