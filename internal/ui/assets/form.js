// Forms: the summary of what was refused gets the focus, and passwords can be shown.
document.querySelector("[data-focus]")?.focus();

for (const button of document.querySelectorAll("button[data-reveal]")) {
  button.hidden = false;
  button.addEventListener("click", () => {
    const input = document.getElementById(button.dataset.reveal);
    const shown = input.type === "password";
    input.type = shown ? "text" : "password";
    button.setAttribute("aria-pressed", String(shown));
    input.focus();
  });
}

// Browsers offer to keep what was typed when a form is sent; they look for a password input.
document.addEventListener("submit", (event) => {
  for (const button of event.target.querySelectorAll("button[data-reveal][aria-pressed=true]")) {
    document.getElementById(button.dataset.reveal).type = "password";
    button.setAttribute("aria-pressed", "false");
  }
});
