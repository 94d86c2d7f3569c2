/* Runs before the first paint, so that a chosen theme does not flash; a classic script, since modules wait. */
"use strict";
{
  const chosen = localStorage.getItem("avatar.theme");
  if (chosen === "light" || chosen === "dark") document.documentElement.dataset.theme = chosen;
}
