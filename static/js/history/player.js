/**
 * A player for every element of the page that has `data-audio`: waveform, play and pause, seeking, time.
 *
 *   data-audio        address of the sound            data-peaks      address of its loudness
 *   data-duration-ms  how long it is                  data-heard-ms   where it was cut off: what follows was not heard
 *   data-label        what it is, for those who listen to the page
 *
 * The page brings css/player.css (with the policy's nonce) and the words of scripts. One sound plays at a time.
 */

import { icon } from "../chat/icons.js";
import { filled, gettext } from "../chat/words.js";
import { clock } from "./clock.js";
import { draw } from "./wave.js";

const STEP_S = 2;
const HEIGHT = 40;
let playing = null;

export class Player {
  /** @param {HTMLElement} place */
  constructor(place) {
    this.place = place;
    this.audio = new Audio();
    this.audio.preload = "none";
    this.durationMs = Number(place.dataset.durationMs) || 0;
    this.build();
    this.listen();
    this.show();
  }

  build() {
    const { place } = this;
    const label = place.dataset.label ?? gettext("Recording");
    place.classList.add("player");
    place.setAttribute("role", "group");
    place.setAttribute("aria-label", label);
    this.button = document.createElement("button");
    this.button.type = "button";
    this.button.className = "player-play icon-button";
    this.wave = document.createElement("div");
    this.wave.className = "player-wave";
    this.wave.tabIndex = 0;
    this.wave.setAttribute("role", "slider");
    this.wave.setAttribute("aria-label", filled(gettext("Position in %(name)s"), { name: label }));
    this.wave.setAttribute("aria-valuemin", "0");
    this.time = document.createElement("span");
    this.time.className = "player-time";
    this.trouble = document.createElement("span");
    this.trouble.className = "player-trouble";
    this.trouble.setAttribute("role", "status");
    place.replaceChildren(this.button, this.wave, this.time, this.trouble);
    this.mark();
  }

  /** Where it was cut off when it was heard. */
  mark() {
    const heardMs = Number(this.place.dataset.heardMs);
    if (!this.place.dataset.heardMs || !(heardMs < this.durationMs)) return;
    const cut = document.createElement("span");
    cut.className = "player-cut";
    cut.title = gettext("Cut off here: the rest was not heard");
    cut.style.insetInlineStart = `${(100 * heardMs) / this.durationMs}%`;
    this.wave.append(cut);
  }

  listen() {
    const { audio } = this;
    this.button.addEventListener("click", () => this.toggle());
    this.wave.addEventListener("click", (event) => this.seekTo(event));
    this.wave.addEventListener("keydown", (event) => this.key(event));
    for (const kind of ["play", "pause", "ended", "timeupdate", "seeked", "durationchange"]) {
      audio.addEventListener(kind, () => this.show());
    }
    audio.addEventListener("play", () => this.alone());
    audio.addEventListener("error", () => this.failed());
  }

  /** Loudness is asked for once somebody can see it. */
  async appear() {
    if (this.appeared || !this.place.dataset.peaks) return;
    this.appeared = true;
    try {
      const answer = await fetch(this.place.dataset.peaks);
      if (!answer.ok) return;
      const { duration_ms: durationMs, lines } = await answer.json();
      this.durationMs ||= durationMs;
      await draw({ container: this.wave, media: this.audio, lines, durationMs, height: HEIGHT });
      this.show();
    } catch {
      this.appeared = false; // no network: the sound will say so if it is asked for
    }
  }

  async toggle() {
    if (!this.audio.paused) return this.audio.pause();
    if (!this.audio.src) this.audio.src = this.place.dataset.audio;
    this.trouble.textContent = "";
    try {
      await this.audio.play();
    } catch (error) {
      if (error.name !== "AbortError") this.failed();
    }
  }

  alone() {
    if (playing !== this) playing?.audio.pause();
    playing = this;
  }

  get seconds() {
    return this.durationMs / 1000 || (Number.isFinite(this.audio.duration) ? this.audio.duration : 0);
  }

  go(seconds) {
    if (!this.audio.src) this.audio.src = this.place.dataset.audio;
    this.audio.currentTime = Math.min(Math.max(seconds, 0), this.seconds);
    this.show();
  }

  seekTo({ clientX }) {
    const { left, width } = this.wave.getBoundingClientRect();
    this.go(((clientX - left) / width) * this.seconds);
  }

  key(event) {
    const now = this.audio.currentTime;
    const moves = { ArrowLeft: now - STEP_S, ArrowRight: now + STEP_S, Home: 0, End: this.seconds };
    if (event.key in moves) this.go(moves[event.key]);
    else if (event.key === " " || event.key === "Enter") this.toggle();
    else return;
    event.preventDefault();
  }

  show() {
    const on = !this.audio.paused;
    const nowMs = this.audio.currentTime * 1000;
    if (this.shown !== on) {
      this.shown = on;
      this.button.replaceChildren(icon(on ? "pause" : "play"));
      this.button.setAttribute("aria-label", on ? gettext("Pause") : gettext("Play"));
    }
    const seconds = this.seconds;
    this.time.textContent = `${clock(nowMs)} / ${clock(seconds * 1000)}`;
    this.wave.setAttribute("aria-valuemax", String(Math.round(seconds)));
    this.wave.setAttribute("aria-valuenow", String(Math.round(nowMs / 1000)));
    this.wave.setAttribute("aria-valuetext", this.time.textContent);
    this.wave.style.setProperty("--played", seconds > 0 ? String(nowMs / 1000 / seconds) : "0");
  }

  failed() {
    this.trouble.textContent = gettext("This sound cannot be played: it may have been erased.");
  }
}

const seen = new IntersectionObserver((entries) => {
  for (const { isIntersecting, target } of entries) if (isIntersecting) players.get(target)?.appear();
});
const players = new WeakMap();

/** Makes players of what has `data-audio` under `root` and is none yet. */
export function enhance(root = document) {
  for (const place of root.querySelectorAll("[data-audio]")) {
    if (players.has(place)) continue;
    players.set(place, new Player(place));
    seen.observe(place);
  }
}

enhance();
