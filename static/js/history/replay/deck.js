/**
 * The deck: the sound of the whole conversation, its two tracks, and the buttons.
 *
 * Events: `timeline` when times have changed (the first ones, or pauses skipped or not), `moved` as the sound goes on.
 */

import { filled, gettext } from "../../chat/words.js";
import { clock } from "../clock.js";
import { draw } from "../wave.js";
import { moved } from "./moved.js";

const TRACK_HEIGHT = 48;
const GONE = { erased: gettext("sound erased"), unkept: gettext("sound not kept") };
const byId = (id) => document.getElementById(id);

export class Deck extends EventTarget {
  timeline = null;

  /** @param {{timeline: string, audio: ?string, peaks: ?string}} urls without `audio` there is nothing to listen to */
  constructor(urls) {
    super();
    this.urls = urls;
    this.audio = new Audio();
    this.audio.preload = "metadata";
    this.tracks = byId("tracks");
    this.tracks.tabIndex = 0;
    this.tracks.setAttribute("role", "slider");
    this.tracks.setAttribute("aria-label", gettext("Position in the conversation"));
    this.tracks.setAttribute("aria-valuemin", "0");
    this.listen();
    this.tell();
  }

  listen() {
    byId("play").addEventListener("click", () => this.toggle());
    byId("speed").addEventListener("input", ({ target }) => this.setSpeed(Number(target.value)));
    byId("skip").addEventListener("change", () => this.load());
    this.tracks.addEventListener("click", (event) => this.seekTo(event));
    for (const kind of ["play", "pause", "ended", "seeked", "timeupdate"]) {
      this.audio.addEventListener(kind, () => this.tell());
    }
    this.audio.addEventListener("play", () => this.run());
    this.audio.addEventListener("error", () => this.say(gettext("The sound cannot be played. Load the page again.")));
  }

  get skips() {
    return byId("skip").checked;
  }

  get playing() {
    return !this.audio.paused && !this.audio.ended;
  }

  get nowMs() {
    return this.audio.currentTime * 1000;
  }

  /** Fetches times and loudness, with or without pauses, and goes on from the same word. */
  async load() {
    const query = this.skips ? "?skip_pauses=1" : "";
    const [before, nowMs, wasPlaying] = [this.timeline, this.nowMs, this.playing];
    this.audio.pause();
    try {
      this.timeline = await asked(this.urls.timeline + query);
    } catch {
      return this.say(gettext("The server does not answer. Load the page again."));
    }
    this.say("");
    this.tracks.setAttribute("aria-valuemax", String(Math.round(this.timeline.duration_ms / 1000)));
    this.dispatchEvent(new Event("timeline"));
    byId("end").textContent = byId("length").textContent = clock(this.timeline.duration_ms);
    if (!this.urls.audio || this.timeline.duration_ms === 0) return this.disable();
    this.audio.src = this.urls.audio + query;
    this.audio.playbackRate = Number(byId("speed").value);
    if (before !== null) this.go(moved(nowMs, before, this.timeline));
    if (wasPlaying) await this.play();
    this.tell();
    await this.drawTracks(query);
  }

  async drawTracks(query) {
    this.wave?.destroy();
    this.wave = null;
    this.drawGaps();
    const peaks = await asked(this.urls.peaks + query).catch(() => null);
    if (peaks === null) return;
    const { lines, duration_ms: durationMs } = peaks;
    this.wave = await draw({ container: this.tracks, media: this.audio, lines, durationMs, height: TRACK_HEIGHT });
    if (this.wave === null) this.say(gettext("Waveforms are not installed on this server; the sound plays without."));
  }

  /** What the waveform cannot show: breaks, and how long they were; sound that is gone. */
  drawGaps() {
    for (const old of this.tracks.querySelectorAll(".gap")) old.remove();
    for (const { kind, lasted_ms: lasted, ...span } of this.timeline.silences) {
      if (kind === "break") this.drawGap(span, "both", filled(gettext("A break of %(time)s"), { time: clock(lasted) }));
    }
    for (const { who, state, ...span } of this.timeline.utterances) {
      if (state in GONE) this.drawGap(span, who, GONE[state]);
    }
  }

  drawGap({ start_ms: start, end_ms: end }, who, title) {
    const gap = document.createElement("span");
    gap.className = `gap ${who}`;
    gap.title = title;
    gap.style.insetInlineStart = `${(100 * start) / this.timeline.duration_ms}%`;
    gap.style.inlineSize = `${(100 * (end - start)) / this.timeline.duration_ms}%`;
    this.tracks.append(gap);
  }

  disable() {
    for (const control of document.querySelectorAll("#deck button, #deck input")) control.disabled = true;
    this.say(gettext("There is no sound to play in this conversation."));
  }

  async play() {
    try {
      await this.audio.play();
    } catch (error) {
      if (error.name !== "AbortError") this.say(gettext("The sound cannot be played. Load the page again."));
    }
  }

  toggle() {
    return this.playing ? this.audio.pause() : this.play();
  }

  /** @param {number} ms from the beginning */
  go(ms) {
    if (!this.timeline) return;
    this.audio.currentTime = Math.min(Math.max(ms, 0), this.timeline.duration_ms) / 1000;
    this.tell();
  }

  by(ms) {
    this.go(this.nowMs + ms);
  }

  setSpeed(speed) {
    const input = byId("speed");
    input.value = String(speed);
    this.audio.playbackRate = Number(input.value);
    byId("speed-figure").textContent = `${Number(input.value)}×`;
  }

  seekTo({ clientX }) {
    const { left, width } = this.tracks.getBoundingClientRect();
    this.go(((clientX - left) / width) * this.timeline.duration_ms);
  }

  /** The browser tells where it is four times a second: not often enough for words. */
  run() {
    const step = () => {
      this.tell();
      if (this.playing) requestAnimationFrame(step);
    };
    requestAnimationFrame(step);
  }

  tell() {
    const now = clock(this.nowMs);
    if (this.tracks.getAttribute("aria-valuetext") !== now) {
      byId("now").textContent = now;
      this.tracks.setAttribute("aria-valuenow", String(Math.round(this.nowMs / 1000)));
      this.tracks.setAttribute("aria-valuetext", now);
    }
    byId("play").setAttribute("aria-pressed", String(this.playing));
    this.tracks.style.setProperty("--played", String(this.nowMs / (this.timeline?.duration_ms || 1)));
    this.dispatchEvent(new Event("moved"));
  }

  say(text) {
    byId("trouble").textContent = text;
    byId("trouble").hidden = text === "";
  }
}

async function asked(url) {
  const answer = await fetch(url);
  if (!answer.ok) throw new Error(`${answer.status}`);
  return answer.json();
}
