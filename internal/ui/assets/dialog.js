// Confirmation dialogs. The opener is a link to a page that asks the same question; with this
// script it opens the native dialog instead, which keeps focus inside and gives it back.
document.addEventListener("click", (event) => {
  const target = event.target;
  const opener = target.closest?.("[data-dialog-open]");
  if (opener) {
    open(opener, event);
  } else if (target.closest?.("[data-dialog-close]")) {
    target.closest("dialog")?.close();
  } else if (target instanceof HTMLDialogElement) {
    target.close(); // only its backdrop is the dialog itself: the form fills the rest
  }
});

function open(opener, event) {
  if (event.ctrlKey || event.metaKey || event.shiftKey || event.button !== 0) return;
  const dialog = document.getElementById(opener.dataset.dialogOpen);
  if (!dialog?.showModal) return;
  event.preventDefault();
  dialog.showModal();
}

// A page that comes back from the browser's cache shows itself, not the question.
window.addEventListener("pageshow", (event) => {
  if (!event.persisted) return;
  for (const dialog of document.querySelectorAll("dialog[open]")) dialog.close();
});
