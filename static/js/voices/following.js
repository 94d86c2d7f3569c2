/** Part of a page that the server works on: asked for again until the server says that it is done. */

const EVERY_MS = 700;
const MOST_FAILURES = 20;

/** @param {HTMLElement} element with `data-follows`, the address of its own contents; what has `data-running` is to come */
export async function follow(element) {
  let failures = 0;
  while (element.querySelector("[data-running]") !== null && failures < MOST_FAILURES) {
    await new Promise((resolve) => setTimeout(resolve, EVERY_MS));
    if (document.hidden) continue;
    const fresh = await fetched(element.dataset.follows);
    failures = fresh === null ? failures + 1 : 0;
    if (fresh !== null) exchange(element, fresh);
  }
}

/** Parts are told apart by their ids: one that is the same as before stays, so that what is played in it plays on. */
function exchange(element, fresh) {
  for (const part of new DOMParser().parseFromString(fresh, "text/html").querySelectorAll("[id]")) {
    const shown = element.querySelector(`#${CSS.escape(part.id)}`);
    if (shown !== null && !shown.isEqualNode(part)) shown.replaceWith(part);
  }
}

async function fetched(url) {
  try {
    const answer = await fetch(url, { redirect: "error" });
    return answer.ok ? await answer.text() : null;
  } catch {
    return null; // the server is away for a moment: asked again
  }
}
