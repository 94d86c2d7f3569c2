/** What every page has: the theme button and the language of the interface. */

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
