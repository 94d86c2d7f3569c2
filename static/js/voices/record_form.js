/**
 * A form with a recording in it: a button that records into its file field, the level, the seconds, and what was
 * recorded to be heard before it is sent. Sent like any chosen file, so recorded and uploaded go the same way.
 */

import { Meter } from "../chat/meter.js";
import { filled, gettext } from "../chat/words.js";
import { Recorder } from "./recorder.js";

const NO_MICROPHONE = {
  insecure: gettext("Microphones open only on https:// pages and on this machine itself (http://localhost)."),
  refused: gettext("The microphone was refused. Allow it for this site in the browser's address bar, then try again."),
  missing: gettext("No microphone was found. Plug one in or switch it on, then try again."),
  busy: gettext("The microphone does not answer. Another program may be holding it; close that, then try again."),
};
const TICK_MS = 100;

export class RecordForm {
  /** @param {HTMLFormElement} form with `data-least-s` and `data-longest-s`, seconds a recording may last */
  constructor(form) {
    this.form = form;
    this.part = (name) => form.querySelector(`[data-part="${name}"]`);
    this.leastS = Number(form.dataset.leastS);
    this.longestS = Number(form.dataset.longestS);
    this.file = form.querySelector('input[type="file"]');
    this.recorder = new Recorder();
    this.meter = new Meter(this.part("meter"));
    this.part("recorder").hidden = false;
    this.part("record").addEventListener("click", () => (this.recorder.recording ? this.stop() : this.start()));
    this.recorder.addEventListener("level", ({ detail }) => this.meter.show(detail, "microphone"));
    this.file.addEventListener("change", () => this.chosen());
    form.addEventListener("submit", () => this.sent());
    this.draw();
  }

  async start() {
    this.say("");
    this.part("record").disabled = true;
    try {
      await this.recorder.start();
    } catch (error) {
      if (error.reason === undefined) throw error;
      this.say(NO_MICROPHONE[error.reason]);
      return;
    } finally {
      this.part("record").disabled = false;
    }
    this.began = performance.now();
    this.ticking = setInterval(() => this.tick(), TICK_MS);
    this.say(gettext("Recording. Press the button again when you are done."));
    this.draw();
  }

  tick() {
    const s = this.lastedS;
    this.part("time").textContent = clock(s);
    if (s >= this.longestS) void this.stop();
  }

  get lastedS() {
    return (performance.now() - this.began) / 1000;
  }

  async stop() {
    clearInterval(this.ticking);
    const s = this.lastedS;
    const recorded = await this.recorder.stop();
    const files = new DataTransfer();
    files.items.add(recorded);
    this.file.files = files.files;
    this.chosen();
    const short = filled(gettext("That was too short: speak for at least %(least)s seconds."), { least: this.leastS });
    this.say(s < this.leastS ? short : gettext("Recorded. Listen to it, then send it, or record again."));
  }

  /** A recording was made, or a file chosen. */
  chosen() {
    const [file] = this.file.files;
    URL.revokeObjectURL(this.url);
    this.url = file ? URL.createObjectURL(file) : "";
    if (file) this.part("play").src = this.url;
    this.say("");
    this.draw();
  }

  sent() {
    this.part("send").disabled = true;
    this.say(gettext("Sending and checking…"));
  }

  draw() {
    const { recording } = this.recorder;
    const has = this.file.files.length > 0;
    const label = recording ? gettext("Stop recording") : has ? gettext("Record again") : gettext("Record");
    this.part("record").dataset.recording = String(recording);
    this.part("label").textContent = label;
    this.part("play").hidden = recording || !has;
    this.part("send").hidden = recording || !has;
    this.part("live").hidden = !recording;
  }

  say(text) {
    this.part("said").textContent = text;
  }
}

/** @param {number} s @returns {string} minutes and seconds */
function clock(s) {
  return `${Math.floor(s / 60)}:${String(Math.floor(s % 60)).padStart(2, "0")}`;
}
