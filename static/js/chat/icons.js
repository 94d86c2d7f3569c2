/** Icons of the sprite, found where the page's own lie. */

const SVG = "http://www.w3.org/2000/svg";
const sprite = document.querySelector("svg.icon use").getAttribute("href").split("#")[0];

/** @param {string} name a symbol of img/icons.svg */
export function icon(name) {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("class", "icon");
  svg.setAttribute("viewBox", "0 0 24 24");
  svg.setAttribute("aria-hidden", "true");
  const use = document.createElementNS(SVG, "use");
  use.setAttribute("href", `${sprite}#${name}`);
  svg.append(use);
  return svg;
}
