/** The transcript: a list item for each line, the newest in view unless the reader has scrolled up. */

import { icon } from "./icons.js";
import { filled, gettext, seconds } from "./words.js";

const NEAR_END_PX = 80;
const clock = new Intl.DateTimeFormat(document.documentElement.lang, { hour: "2-digit", minute: "2-digit" });

export class TranscriptView {
  /** @type {Map<string, {root: HTMLElement, words: HTMLElement, replay: HTMLElement, latency: HTMLElement, voice: HTMLElement}>} */
  shown = new Map();

  constructor({ scroller, list, welcome, lines, machine, sounds, replay }) {
    Object.assign(this, { scroller, list, welcome, lines, machine, sounds, replay });
    lines.addEventListener("added", ({ detail }) => this.add(detail.line));
    lines.addEventListener("changed", ({ detail }) => this.draw(detail.line));
    lines.addEventListener("removed", ({ detail }) => this.remove(detail.line));
    lines.addEventListener("cleared", () => this.clear());
    replay.addEventListener("change", ({ detail }) => this.showReplay(detail.line));
  }

  add(line) {
    const root = element("li", `line ${line.role}`);
    const head = element("div", "line-head");
    const who = element("span", "line-who", line.role === "user" ? gettext("You") : "AVATAR");
    const time = element("time", "line-time", clock.format(line.at));
    time.dateTime = line.at.toISOString();
    const latency = element("span", "line-latency");
    const voice = element("span", "line-voice");
    const replay = element("button", "line-replay");
    replay.type = "button";
    replay.hidden = true;
    replay.addEventListener("click", () => this.toggleReplay(line));
    head.append(who, time, latency, voice, replay);
    const words = element("p", "line-words");
    root.append(head, words);
    this.shown.set(line.id, { root, words, replay, latency, voice });
    this.list.append(root);
    this.welcome.hidden = true;
    this.draw(line);
  }

  draw(line) {
    const view = this.shown.get(line.id);
    const atEnd = this.isAtEnd();
    view.root.classList.toggle("partial", !line.final);
    view.words.replaceChildren(...this.parts(line));
    view.latency.textContent = line.latencyMs === null ? "" : seconds(line.latencyMs);
    view.latency.title = line.latencyMs === null ? "" : gettext("From the end of your words to the first sound");
    view.voice.textContent = this.voiceOf(line);
    view.voice.title = line.voice ? gettext("A person’s voice, imitated by the machine and watermarked") : "";
    this.drawReplay(line, view);
    if (atEnd) this.scroller.scrollTop = this.scroller.scrollHeight;
  }

  /** A cloned voice is told as what it is, by its name where that is known. */
  voiceOf({ voice }) {
    if (!voice) return "";
    if (voice === "self") return gettext("in your own voice, cloned");
    const name = this.machine.profiles.find((profile) => profile.id === voice)?.name;
    return name ? filled(gettext("in the cloned voice of %(name)s"), { name }) : gettext("in a cloned voice");
  }

  parts(line) {
    if (line.failed) return [element("span", "line-failed", line.failed)];
    if (!line.text) return [waiting(line.role)];
    const parts = line.timeline.parts(line.cutMs, line.soundMs).flatMap(({ text, heard, sentence }) => {
      const words = text.trim();
      if (!words) return []; // models like to end with empty lines
      const name = sentence === line.current ? "sentence current" : "sentence";
      const node = heard ? element("span", name, words) : unheard(words);
      const [before, after] = text.split(words, 2);
      return [before, node, after]; // the space between sentences is not marked
    });
    while (typeof parts.at(-1) === "string") parts.pop();
    if (line.cutMs !== null) parts.push(element("span", "line-cut", gettext("stopped")));
    return parts;
  }

  drawReplay(line, { replay }) {
    replay.hidden = !(line.final && (this.sounds.has(line.id) || line.recording));
    const playing = this.replay.line === line.id;
    if (replay.dataset.playing === String(playing)) return;
    replay.dataset.playing = String(playing);
    replay.replaceChildren(icon(playing ? "stop" : "play"));
    replay.title = playing ? gettext("Stop") : gettext("Hear this again");
    replay.setAttribute("aria-label", replay.title);
  }

  toggleReplay(line) {
    if (this.replay.line === line.id) this.replay.stop();
    else if (this.sounds.has(line.id)) void this.replay.play(line.id, this.sounds.of(line.id));
    else void this.playRecording(line);
  }

  /** A recording that is gone meanwhile (erased) leaves no button behind. */
  async playRecording(line) {
    if (await this.replay.playRecording(line.id, line.recording)) return;
    line.recording = "";
    this.draw(line);
  }

  showReplay() {
    for (const [id, view] of this.shown) {
      const line = this.lines.get(id);
      view.root.classList.toggle("replaying", this.replay.line === id);
      this.drawReplay(line, view);
    }
  }

  remove(line) {
    this.shown.get(line.id).root.remove();
    this.shown.delete(line.id);
  }

  clear() {
    this.shown.clear();
    this.list.replaceChildren();
    this.welcome.hidden = false;
  }

  isAtEnd() {
    const { scrollTop, scrollHeight, clientHeight } = this.scroller;
    return scrollHeight - scrollTop - clientHeight < NEAR_END_PX;
  }
}

function element(name, className, text = "") {
  const node = document.createElement(name);
  node.className = className;
  node.textContent = text;
  return node;
}

function waiting(role) {
  const node = element("span", "line-waiting");
  node.append(element("span", "visually-hidden", role === "user" ? gettext("Hearing you") : gettext("Thinking")));
  for (let dot = 0; dot < 3; dot++) node.append(element("span", "dot"));
  return node;
}

function unheard(text) {
  const node = element("del", "unheard", text);
  node.title = gettext("Not heard");
  return node;
}
