// Menus are details elements. They close when the reader turns elsewhere; Escape closes them and
// goes back to their button. Escape also puts away the exact time that a hovered time shows.
const openMenus = () => document.querySelectorAll("details[data-menu][open]");

function closeMenusWithout(node) {
  for (const menu of openMenus()) {
    if (!menu.contains(node)) menu.open = false;
  }
}

document.addEventListener("click", (event) => closeMenusWithout(event.target));
document.addEventListener("focusin", (event) => closeMenusWithout(event.target));
document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
  for (const menu of openMenus()) {
    const inside = menu.contains(document.activeElement);
    menu.open = false;
    if (inside) menu.querySelector("summary").focus();
  }
  for (const when of document.querySelectorAll(".when:is(:hover, :focus)")) dismiss(when);
});

function dismiss(when) {
  when.dataset.dismissed = "";
  const forget = () => delete when.dataset.dismissed;
  when.addEventListener("mouseleave", forget, { once: true });
  when.addEventListener("blur", forget, { once: true });
}
