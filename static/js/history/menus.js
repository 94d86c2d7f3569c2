/** Small menus (`details` with `data-menu`): Escape and a click elsewhere close them, opening one leads to its field. */

const menus = [...document.querySelectorAll("details[data-menu]")];

for (const menu of menus) {
  menu.addEventListener("toggle", () => menu.open && menu.querySelector("input:not([type=hidden])")?.focus());
  menu.addEventListener("keydown", ({ key }) => {
    if (key !== "Escape" || !menu.open) return;
    menu.open = false;
    menu.querySelector("summary").focus();
  });
}

document.addEventListener("click", ({ target }) => {
  for (const menu of menus) if (menu.open && !menu.contains(target)) menu.open = false;
});
