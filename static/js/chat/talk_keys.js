/**
 * Push-to-talk: the button held with finger, mouse, Enter or Space, and the space bar anywhere but in a field.
 * Escape stops an answer.
 */

const OWN_SPACE = "input, textarea, select, button, a, summary, [contenteditable]";

export class TalkKeys extends EventTarget {
  /** @param {HTMLElement} button @param {() => boolean} ready whether holding means something now */
  constructor(button, ready) {
    super();
    this.button = button;
    this.ready = ready;
    this.down = false;
    button.addEventListener("pointerdown", (event) => this.pointerDown(event));
    for (const type of ["pointerup", "pointercancel", "lostpointercapture"]) {
      button.addEventListener(type, () => this.release());
    }
    button.addEventListener("contextmenu", (event) => event.preventDefault()); // a long touch is talking
    addEventListener("keydown", (event) => this.keyDown(event));
    addEventListener("keyup", (event) => this.isTalkKey(event) && this.release());
    addEventListener("blur", () => this.release()); // the key comes up elsewhere, unseen
    document.addEventListener("visibilitychange", () => document.hidden && this.release());
  }

  pointerDown(event) {
    if (event.button !== 0) return;
    this.button.setPointerCapture(event.pointerId);
    this.press();
  }

  keyDown(event) {
    if (event.key === "Escape") this.dispatchEvent(new Event("escape"));
    if (!this.isTalkKey(event) || !this.ready()) return;
    event.preventDefault(); // no scrolling
    if (!event.repeat) this.press();
  }

  isTalkKey(event) {
    if (event.target === this.button) return event.code === "Space" || event.key === "Enter";
    return event.code === "Space" && !event.target.closest?.(OWN_SPACE);
  }

  press() {
    if (this.down || !this.ready()) return;
    this.down = true;
    this.dispatchEvent(new Event("press"));
  }

  release() {
    if (!this.down) return;
    this.down = false;
    this.dispatchEvent(new Event("release"));
  }
}
