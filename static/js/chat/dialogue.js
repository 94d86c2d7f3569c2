/**
 * The conversation with the server: its events go to the utterance, the answer and the lines.
 *
 * Events: `change` (read `hearing`, `thinking`, `speaking`), `latency` {detail: steps}, `machine` {detail: status},
 * `trouble` {detail: message}, `voice-stopped` {detail: voice id}, `written` {detail: text} for an answer without sound, `settled` when an answer is over.
 */

import { Answer } from "./answer.js";
import * as requests from "./requests.js";
import { takenBack, troubleOf } from "./troubles.js";
import { Utterance } from "./utterance.js";
import { gettext } from "./words.js";

const SILENCING = new Set(["session_muted", "forbidden"]);

export class Dialogue extends EventTarget {
  thinking = false;
  /** What the server can do at the moment: `full`, `no_fine`, `no_clones` or `text_only`. */
  service = "full";
  /** The answer of which was said that another voice speaks it. */
  spokenByAnother = "";

  constructor({ connection, player, recording, sounds, lines, settings }) {
    super();
    Object.assign(this, { connection, player, recording, sounds, lines, settings });
    this.answer = new Answer({ connection, player, sounds, lines });
    this.utterance = new Utterance({ connection, recording, sounds, lines, answer: this.answer });
    this.handlers = this.routes();
    connection.addEventListener("event", ({ detail }) => this.receive(detail));
    connection.addEventListener("state", () => !connection.isOpen && this.disconnected());
    player.addEventListener("started", ({ detail }) => this.heardFirst(detail.item));
    player.addEventListener("progress", ({ detail }) => this.mark(detail.item, detail.heardMs));
    player.addEventListener("ended", ({ detail }) => this.mark(detail.item, -1));
  }

  get hearing() {
    return this.utterance.hearing;
  }

  get speaking() {
    return this.player.playing;
  }

  get handsFree() {
    return this.settings.get("mode") === "hands-free";
  }

  routes() {
    const { utterance, answer } = this;
    return {
      "avatar.conversation": () => this.opened(),
      "input_audio_buffer.speech_started": (event) => this.interrupted(event),
      "input_audio_buffer.speech_stopped": (event) => {
        utterance.stopped(event);
        this.thinking = true;
      },
      "input_audio_buffer.committed": (event) => utterance.committed(event),
      "conversation.item.input_audio_transcription.delta": (event) => utterance.delta(event),
      "conversation.item.input_audio_transcription.completed": (event) => this.understood(event),
      "conversation.item.input_audio_transcription.failed": (event) => utterance.failed(event),
      "conversation.item.added": (event) => this.remember(event.item),
      "conversation.item.done": (event) => this.remember(event.item),
      "conversation.item.deleted": (event) => this.lines.remove(event.item_id),
      "response.created": (event) => {
        answer.created(event);
        this.thinking = true;
      },
      "response.output_item.added": (event) => answer.item(event),
      "response.output_audio_transcript.delta": (event) => answer.words(event),
      "response.output_audio_transcript.done": (event) => answer.wordsDone(event),
      "response.output_text.delta": (event) => answer.words(event),
      "response.output_text.done": (event) => this.wrote(event),
      "response.output_audio.delta": (event) => answer.sound(event),
      "response.output_audio.done": (event) => answer.soundDone(event),
      "response.done": (event) => this.answered(event),
      "avatar.sentence": (event) => answer.sentence(event),
      "avatar.waterfall": (event) => this.measured(event),
      "avatar.engines": (event) => this.tell("machine", event),
      "avatar.service": (event) => (this.service = event.level),
      "avatar.speech": (event) => this.spokenBy(event),
      "avatar.voice_stopped": (event) => this.voiceStopped(event),
      "output_audio_buffer.cleared": () => this.silence(),
      error: ({ error }) => this.wentWrong(error),
    };
  }

  receive(event) {
    this.handlers[event.type]?.(event);
    this.tell("change");
  }

  wentWrong(error) {
    this.takeBack(this.lines.get(error.event_id));
    // A moderator's hand: what is still in the loudspeaker is silenced too; a notice says why.
    if (SILENCING.has(error.code)) {
      this.thinking = false;
      if (this.player.playing) void this.answer.interrupt();
    } else if (error.event_id !== requests.QUIET) this.tell("trouble", troubleOf(error));
    if (error.code === "voice_not_usable") this.tell("voice-stopped", this.settings.get("voice"));
  }

  /** A typed message was refused: it is not part of the conversation. @param {Line | undefined} line */
  takeBack(line) {
    if (line === undefined) return;
    this.lines.remove(line.id);
    this.thinking = false;
    this.tell("refused", line.text);
  }

  voiceStopped(taken) {
    this.tell("voice-stopped", taken.voice);
    this.tell("trouble", takenBack(taken));
  }

  /** A voice was taken back: what is still to be heard of it is not heard any more; another voice may say it again. */
  silence() {
    if (this.player.playing) void this.player.flush();
  }

  /** Shows whose voice an answer is in, and says once an answer that it is not the one that was asked for. */
  spokenBy({ response_id: response, item_id: item, cloned, voice, fallback }) {
    const line = this.lines.get(item);
    if (cloned && line !== undefined) {
      line.voice = voice;
      this.lines.changed(line);
    }
    // That a voice was taken back is told by an event of its own.
    if (!fallback || fallback === "voice_stopped" || response === this.spokenByAnother) return;
    this.spokenByAnother = response;
    const tongue = fallback === "language_not_spoken";
    const told = tongue
      ? gettext("The voice you chose does not speak this language: another one does.")
      : gettext("The voice you chose cannot speak at the moment: another one does.");
    this.tell("trouble", told);
  }

  opened() {
    this.recording.restart();
    this.configure();
    this.utterance.connected();
  }

  /** Tells the server what the person chose; at any time. */
  configure() {
    this.connection.send(requests.sessionUpdate(this.settings.values));
  }

  /** The person speaks: an answer that is still heard stops. */
  interrupted(event) {
    this.utterance.started(event);
    this.thinking = false;
    if (this.player.playing) void this.answer.interrupt();
  }

  understood(event) {
    this.utterance.completed(event);
    if (!event.transcript.trim() && !this.answer.busy) this.thinking = false;
  }

  /** An item of the conversation, new or from before a reconnection. */
  remember(item) {
    const words = item.type === "message" && item.role !== "system" ? wordsOf(item.content ?? []) : "";
    if (!words) return;
    const line = this.lines.open(item.id, item.role);
    if (line.text) return;
    line.text = words;
    line.final = true;
    this.lines.changed(line);
  }

  wrote(event) {
    this.answer.wordsDone(event);
    if (event.text) this.tell("written", event.text);
  }

  answered(event) {
    this.answer.done(event);
    this.thinking = false;
    const { status, status_details: details } = event.response;
    if (status === "failed") this.tell("trouble", troubleOf(details?.error ?? {}));
    if (!this.player.playing) this.tell("settled");
  }

  /** The first sound of an answer is heard: what the person waited is known. */
  heardFirst(item) {
    this.thinking = false;
    const line = this.lines.get(item);
    if (line !== undefined && this.answer.askedAt !== null) {
      line.latencyMs = performance.now() - this.answer.askedAt;
      this.answer.askedAt = null;
      this.lines.changed(line);
      this.tell("latency", { heard_ms: line.latencyMs });
    }
    this.tell("change");
  }

  measured(event) {
    this.tell("latency", event);
  }

  mark(item, heardMs) {
    const line = this.lines.get(item);
    if (line !== undefined) {
      const current = heardMs < 0 ? -1 : line.timeline.at(heardMs);
      if (current !== line.current) {
        line.current = current;
        this.lines.changed(line);
      }
    }
    if (heardMs < 0) {
      this.tell("settled");
      this.tell("change");
    }
  }

  /** A typed message; what is being said stops. */
  async write(text) {
    await this.answer.stop();
    const id = requests.newItemId();
    const line = this.lines.open(id, "user");
    line.text = text;
    line.final = true;
    this.lines.changed(line);
    this.answer.askedAt = performance.now();
    this.connection.send(requests.message(id, text));
    this.connection.send(requests.respond());
    this.thinking = true;
    this.tell("change");
  }

  async press() {
    await this.utterance.press();
    this.tell("change");
  }

  release() {
    this.thinking = this.utterance.release() || this.thinking;
    this.tell("change");
  }

  async stop() {
    await this.answer.stop();
    this.thinking = false;
    this.tell("change");
  }

  disconnected() {
    this.thinking = false;
    this.service = "full";
    this.utterance.disconnected();
    this.answer.disconnected();
    this.tell("change");
  }

  tell(type, detail) {
    this.dispatchEvent(new CustomEvent(type, { detail }));
  }
}

const wordsOf = (content) => content.map((part) => part.text ?? part.transcript ?? "").join("").trim();
