/** How long something is still open: seconds down to zero, and what then holds is shown instead. */

import { filled, gettext } from "../chat/words.js";

/** @param {HTMLElement} element with `data-ends-in-s`; what `data-hides` and `data-shows` name is exchanged at the end */
export function countDown(element) {
  const endsAt = performance.now() + Number(element.dataset.endsInS) * 1000;
  const draw = () => {
    const left = Math.max(0, Math.ceil((endsAt - performance.now()) / 1000));
    element.textContent = filled(gettext("%(seconds)s seconds left"), { seconds: left });
    if (left > 0) return;
    clearInterval(ticking);
    document.getElementById(element.dataset.hides).hidden = true;
    document.getElementById(element.dataset.shows).hidden = false;
  };
  const ticking = setInterval(draw, 250);
  draw();
}
