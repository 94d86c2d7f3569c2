/**
 * The last minutes of what was sent to the server, on the server's clock: milliseconds of audio since the session
 * began. From it come the sound of a person's own line and the moment at which their speech truly ended.
 */

import { joined, msOf, samplesIn } from "./pcm.js";

const KEEP_MS = 90_000;

export class Recording {
  constructor(clock = () => performance.now()) {
    this.clock = clock;
    this.restart();
  }

  /** A new session counts from zero. */
  restart() {
    this.pieces = [];
    this.sent = 0;
  }

  /** @param {Int16Array} pcm just sent; its last sample was captured about now */
  add(pcm) {
    this.pieces.push({ from: this.sent, pcm, at: this.clock() });
    this.sent += pcm.length;
    const oldest = this.sent - samplesIn(KEEP_MS);
    while (this.pieces.length > 0 && this.pieces[0].from + this.pieces[0].pcm.length < oldest) this.pieces.shift();
  }

  get nowMs() {
    return msOf(this.sent);
  }

  /** @returns {Int16Array} what is still kept of [fromMs, toMs) */
  cut(fromMs, toMs) {
    const [from, to] = [samplesIn(fromMs), samplesIn(toMs)];
    const inside = this.pieces.filter((piece) => piece.from < to && piece.from + piece.pcm.length > from);
    return joined(inside.map((piece) => piece.pcm.subarray(Math.max(0, from - piece.from), to - piece.from)));
  }

  /** @returns {number|null} `performance.now()` at which that millisecond left the microphone */
  momentOf(ms) {
    const sample = samplesIn(ms);
    const piece = this.pieces.find(({ from, pcm }) => sample <= from + pcm.length && sample >= from);
    return piece ? piece.at - msOf(piece.from + piece.pcm.length - sample) : null;
  }
}
