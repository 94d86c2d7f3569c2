/** Waveforms: the library (static/vendor, see requirements/browser.toml), in the colours of the page. */

const LIBRARY = new URL("../../vendor/wavesurfer/wavesurfer.esm.js", import.meta.url);
let loading;

/** @returns {Promise<?Function>} the library's class; null where it was not installed: sound plays without it */
export function library() {
  loading ??= import(LIBRARY).then(
    (module) => module.default,
    () => null,
  );
  return loading;
}

/** What the page's policy lets the library's styles in by: a link of the page carries it. */
const nonce = () => document.querySelector("link[nonce]")?.nonce ?? "";

/** Canvases know no custom properties: an element has to work out what they come to. */
export function colour(name, element = document.body) {
  const probe = document.createElement("span");
  probe.style.color = `var(${name})`;
  probe.hidden = true;
  element.append(probe);
  const found = getComputedStyle(probe).color;
  probe.remove();
  return found;
}

/** Calls back when the page changes between light and dark. */
export function onTheme(callback) {
  new MutationObserver(callback).observe(document.documentElement, { attributeFilter: ["data-theme"] });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", callback);
}

const BARS = { barWidth: 2, barGap: 1, barRadius: 1, cursorWidth: 2, normalize: false, hideScrollbar: true };

/**
 * Draws a sound and follows the media element that plays it.
 *
 * @param {{container: HTMLElement, media: HTMLMediaElement, lines: number[][], durationMs: number, height: number}} of
 *   lines: loudness from 0 to 100, one array for each voice
 * @returns {Promise<?object>} the library's object; null without the library
 */
export async function draw({ container, media, lines, durationMs, height }) {
  const WaveSurfer = await library();
  if (WaveSurfer === null) return null;
  const loudest = Math.max(1, ...lines.map((line) => line.reduce((most, value) => Math.max(most, value), 0)));
  const wave = WaveSurfer.create({
    ...BARS,
    ...colours(lines.length),
    container,
    media,
    height,
    cspNonce: nonce(),
    peaks: lines.map((line) => line.map((value) => value / loudest)),
    duration: durationMs / 1000,
    interact: false,
  });
  onTheme(() => wave.setOptions(colours(lines.length)));
  return wave;
}

function colours(count) {
  const cursorColor = colour("--ink");
  const user = { waveColor: colour("--line-strong"), progressColor: colour("--ink") };
  const reply = { waveColor: colour("--wave"), progressColor: colour("--accent") };
  if (count === 1) return { cursorColor, ...reply };
  return { cursorColor, splitChannels: [user, reply] };
}
