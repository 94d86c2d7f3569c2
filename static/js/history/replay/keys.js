/** The page by keyboard, and the two buttons that do the same. */

const SPEED_STEP = 0.25;

/** @param {import("./deck.js").Deck} deck @param {import("./follower.js").Follower} follower */
export function listenToKeys(deck, follower) {
  const speed = () => Number(document.getElementById("speed").value);
  const does = {
    " ": () => deck.toggle(),
    k: () => deck.toggle(),
    j: () => deck.by(-10_000),
    l: () => deck.by(10_000),
    ArrowLeft: () => deck.by(-5000),
    ArrowRight: () => deck.by(5000),
    n: () => follower.goBy(1),
    p: () => follower.goBy(-1),
    ",": () => deck.setSpeed(speed() - SPEED_STEP),
    ".": () => deck.setSpeed(speed() + SPEED_STEP),
  };
  document.getElementById("next").addEventListener("click", does.n);
  document.getElementById("previous").addEventListener("click", does.p);
  document.addEventListener("keydown", (event) => {
    const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
    if (!(key in does) || event.ctrlKey || event.altKey || event.metaKey || belongs(event.target, key)) return;
    event.preventDefault();
    does[key]();
  });
}

/** Whether the key means something to the element that has the focus. */
function belongs(element, key) {
  if (element.matches("select, textarea, input:not([type=checkbox], [type=range])")) return true;
  if (element.matches("input[type=range]")) return key.startsWith("Arrow");
  return key === " " && element.matches("button, summary, a, input");
}
