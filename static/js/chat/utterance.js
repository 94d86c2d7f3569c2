/** What the person says: from the first sound of it, over the words as they are understood, to the finished line. */

import * as requests from "./requests.js";
import { msOf, samplesIn } from "./pcm.js";

const SHORTEST_MS = 200;
const LEAD_IN_PIECES = 6; // 0.2 s from before the button was down: people speak as they press
const WAITING_PIECES = 470; // 15 s: people also speak before the connection is there

export class Utterance {
  /** True while the server hears speech, or the button is held. */
  hearing = false;
  /** True while the talk button is held. */
  held = false;
  heldFromMs = 0;
  leadIn = [];
  /** What was said hands-free while the connection was being made. */
  waiting = [];
  starts = new Map();
  /** Moments of commits by hand whose item the server has not named yet. */
  commits = [];

  constructor({ connection, recording, sounds, lines, answer }) {
    Object.assign(this, { connection, recording, sounds, lines, answer });
  }

  /** @param {ArrayBuffer} pcm a piece from the microphone @param {boolean} handsFree */
  piece(pcm, handsFree) {
    if (!handsFree && !this.held) keep(this.leadIn, pcm, LEAD_IN_PIECES);
    else if (this.connection.isOpen) this.sendPiece(pcm);
    else if (handsFree && this.connection.state === "connecting") keep(this.waiting, pcm, WAITING_PIECES);
  }

  /** The connection is there. */
  connected() {
    for (const pcm of this.waiting.splice(0)) this.sendPiece(pcm);
  }

  sendPiece(pcm) {
    if (this.connection.send(requests.append(pcm))) this.recording.add(new Int16Array(pcm));
  }

  /** The talk button goes down: over an answer it interrupts. */
  async press() {
    if (this.held || !this.connection.isOpen) return;
    this.held = this.hearing = true;
    this.connection.send(requests.clear());
    this.heldFromMs = this.recording.nowMs;
    const leadIn = this.answer.player.playing ? [] : this.leadIn;
    this.leadIn = [];
    for (const pcm of leadIn) this.sendPiece(pcm);
    await this.answer.stop();
  }

  /** The talk button comes up. @returns {boolean} whether there was enough to answer */
  release() {
    if (!this.held) return false;
    this.held = this.hearing = false;
    const span = { fromMs: this.heldFromMs, toMs: this.recording.nowMs };
    if (span.toMs - span.fromMs < SHORTEST_MS) {
      this.connection.send(requests.clear());
      return false;
    }
    this.commits.push(span);
    this.answer.askedAt = performance.now();
    this.connection.send(requests.commit());
    this.connection.send(requests.respond());
    return true;
  }

  started({ item_id, audio_start_ms }) {
    this.hearing = true;
    this.starts.set(item_id, audio_start_ms);
    this.lines.open(item_id, "user");
  }

  stopped({ item_id, audio_end_ms }) {
    this.hearing = this.held;
    const from = this.starts.get(item_id);
    this.starts.delete(item_id);
    if (from !== undefined) this.sounds.add(item_id, this.recording.cut(from, audio_end_ms));
    this.answer.askedAt = this.endOfSpeech(from ?? 0, audio_end_ms);
  }

  /** The last audible moment: the server's end includes the pause it waited. */
  endOfSpeech(fromMs, toMs) {
    const pcm = this.recording.cut(fromMs, toMs);
    const frame = samplesIn(10);
    const loudness = [];
    for (let at = 0; at + frame <= pcm.length; at += frame) {
      let sum = 0;
      for (let i = at; i < at + frame; i++) sum += pcm[i] * pcm[i];
      loudness.push(sum);
    }
    const floor = loudness.reduce((most, sum) => Math.max(most, sum), 0) / 1000; // 30 dB below the loudest
    const last = loudness.findLastIndex((sum) => sum > floor);
    const silent = msOf(pcm.length - (last + 1) * frame);
    return this.recording.momentOf(toMs - silent) ?? performance.now();
  }

  committed({ item_id }) {
    const span = this.commits.shift();
    if (span === undefined) return;
    this.lines.open(item_id, "user");
    this.sounds.add(item_id, this.recording.cut(span.fromMs, span.toMs));
  }

  delta({ item_id, delta }) {
    const line = this.lines.open(item_id, "user");
    if (line.final) return;
    line.text += delta;
    this.lines.changed(line);
  }

  completed({ item_id, transcript }) {
    if (!transcript.trim()) {
      this.lines.remove(item_id);
      return;
    }
    const line = this.lines.open(item_id, "user");
    line.text = transcript.trim();
    line.final = true;
    this.lines.changed(line);
  }

  failed({ item_id, error }) {
    const line = this.lines.open(item_id, "user");
    line.failed = error.message;
    line.final = true;
    this.lines.changed(line);
  }

  /** The connection is gone, and with it what was being said. */
  disconnected() {
    if (this.connection.state !== "connecting") this.waiting = [];
    this.hearing = this.held = false;
    this.commits = [];
    for (const id of this.starts.keys()) if (!this.lines.get(id)?.text) this.lines.remove(id);
    this.starts.clear();
  }
}

/** Adds to a list that forgets its oldest beyond a bound. */
function keep(list, piece, most) {
  list.push(piece);
  if (list.length > most) list.shift();
}
