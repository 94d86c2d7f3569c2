/** The level meter: the microphone's loudness, or the answer's while it speaks. Falls slowly, as meters do. */

const FLOOR_DB = -60;
const FALL_PER_MS = 1 / 600;

export class Meter {
  shown = 0;
  wanted = 0;
  running = false;

  constructor(element) {
    this.element = element;
  }

  /** @param {number} rms 0..1 @param {"microphone"|"answer"} source */
  show(rms, source) {
    const db = rms > 0 ? 20 * Math.log10(rms) : FLOOR_DB;
    this.wanted = Math.max(0, Math.min(1, 1 - db / FLOOR_DB));
    this.element.dataset.source = source;
    if (this.running) return;
    this.running = true;
    this.last = performance.now();
    requestAnimationFrame((now) => this.step(now));
  }

  step(now) {
    this.shown = Math.max(this.wanted, this.shown - (now - this.last) * FALL_PER_MS);
    this.last = now;
    document.documentElement.style.setProperty("--level", this.shown.toFixed(3));
    this.wanted = 0;
    this.running = this.shown > 0;
    if (this.running) requestAnimationFrame((next) => this.step(next));
  }
}
