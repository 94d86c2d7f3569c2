/** The list of live sessions, kept up to date while the page is looked at. */

const EVERY_MS = 3_000;
const place = document.getElementById("live-rows");

async function refresh() {
  if (document.hidden || place.contains(document.activeElement)) return;
  try {
    const answer = await fetch("?part=rows", { headers: { Accept: "text/html" } });
    if (answer.redirected || answer.status === 403) location.reload();
    if (!answer.ok) return;
    const rows = new DOMParser().parseFromString(await answer.text(), "text/html");
    if (!place.contains(document.activeElement)) place.replaceChildren(...rows.body.childNodes);
  } catch {
    // The server is away for a moment: the next round tells.
  }
}

setInterval(refresh, EVERY_MS);
