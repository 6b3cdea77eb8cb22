// The theme form changes colors at once and tells the server afterwards, which keeps the choice
// in a cookie. Without this script the form does the same with a reload.
import { toast } from "./live.js";

for (const form of document.querySelectorAll("form[data-theme-form]")) {
  form.addEventListener("submit", (event) => {
    const button = event.submitter;
    if (!button?.value) return;
    event.preventDefault();
    apply(button.value);
    remember(form, button.value);
  });
}

function apply(theme) {
  const root = document.documentElement;
  if (theme === "system") delete root.dataset.theme;
  else root.dataset.theme = theme;
  for (const button of document.querySelectorAll("form[data-theme-form] button")) {
    button.setAttribute("aria-pressed", String(button.value === theme));
  }
}

async function remember(form, theme) {
  const body = new URLSearchParams({ theme });
  try {
    const response = await fetch(form.action, { method: "POST", body, headers: { Accept: "application/json" }, credentials: "same-origin" });
    if (!response.ok) throw new Error(response.statusText);
  } catch {
    toast("The theme could not be saved. It stays until you leave this page.", "bad");
  }
}
