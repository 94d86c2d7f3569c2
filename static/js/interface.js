/** What every page has: the theme button, the language of the interface, and the menu of a narrow bar. */

const root = document.documentElement;
const systemIsDark = matchMedia("(prefers-color-scheme: dark)");

function shownTheme() {
  return root.dataset.theme ?? (systemIsDark.matches ? "dark" : "light");
}

document.getElementById("theme")?.addEventListener("click", () => {
  const theme = shownTheme() === "dark" ? "light" : "dark";
  root.dataset.theme = theme;
  localStorage.setItem("avatar.theme", theme);
});

for (const select of document.querySelectorAll("select[data-submits]")) {
  select.addEventListener("change", () => select.form.requestSubmit());
}

/** The bar's menu: Escape that closes it is not for the page, where it stops an answer. */
let menuIsOpen = false;
document.getElementById("bar-rest")?.addEventListener("toggle", ({ newState }) => (menuIsOpen = newState === "open"));
document.addEventListener("keydown", (event) => event.key === "Escape" && menuIsOpen && event.stopPropagation(), true);
