/**
 * The answer that is being given: its sound goes to the player, its words to its line, and it can be cut short.
 */

import * as requests from "./requests.js";
import { fromBase64, msOf, samplesIn } from "./pcm.js";

export class Answer {
  /** The response under way, as the server names it, or null. */
  response = null;
  /** The item of its words. */
  saying = null;
  /** `performance.now()` at which the person's words ended, until the answer to them is heard. */
  askedAt = null;
  /** What was stopped here: what still arrives of it is dropped. */
  stopped = new Set();

  constructor({ connection, player, sounds, lines }) {
    Object.assign(this, { connection, player, sounds, lines });
  }

  get busy() {
    return this.response !== null || this.player.playing;
  }

  created({ response }) {
    this.response = response.id;
  }

  item({ item, response_id }) {
    if (item.type !== "message" || this.stopped.has(response_id)) return;
    this.saying = item.id;
    this.lines.open(item.id, "assistant");
  }

  words({ item_id, response_id, delta }) {
    if (this.isStopped(item_id, response_id)) return;
    const line = this.lines.open(item_id, "assistant");
    line.timeline.addDelta(delta, line.soundMs);
    this.lines.changed(line);
  }

  sentence({ item_id, response_id, index, text, audio_start_ms }) {
    if (this.isStopped(item_id, response_id)) return;
    const line = this.lines.open(item_id, "assistant");
    line.timeline.addSentence(text, audio_start_ms, index);
    this.lines.changed(line);
  }

  sound({ item_id, response_id, delta }) {
    if (this.isStopped(item_id, response_id)) return;
    const pcm = fromBase64(delta);
    this.lines.open(item_id, "assistant").soundMs += msOf(pcm.length);
    this.sounds.add(item_id, pcm);
    this.player.push(item_id, pcm);
  }

  wordsDone({ item_id, response_id, transcript, text }) {
    if (this.isStopped(item_id, response_id)) return;
    const line = this.lines.open(item_id, "assistant");
    line.timeline.settle(transcript ?? text);
    line.final = true;
    this.lines.changed(line);
  }

  soundDone({ item_id }) {
    this.player.finish(item_id);
  }

  done({ response }) {
    if (this.response === response.id) this.response = this.saying = null;
    for (const item of response.output ?? []) {
      this.player.finish(item.id);
      const line = this.lines.get(item.id);
      if (line === undefined) continue;
      line.final = true;
      if (line.text) this.lines.changed(line);
      else this.lines.remove(line.id);
    }
    this.stopped.delete(response.id);
  }

  isStopped(itemId, responseId) {
    return this.stopped.has(itemId) || this.stopped.has(responseId);
  }

  /** Silence at once, and the record keeps only what was heard. */
  async interrupt() {
    if (this.response !== null) this.stopped.add(this.response);
    for (const item of this.player.items) this.stopped.add(item);
    const cut = await this.player.flush();
    if (cut === null) return;
    this.connection.send(requests.truncate(cut.item, cut.heardMs));
    this.sounds.cut(cut.item, samplesIn(cut.heardMs));
    const line = this.lines.get(cut.item);
    if (line === undefined) return;
    Object.assign(line, { cutMs: cut.heardMs, current: -1, final: true });
    this.lines.changed(line);
  }

  /** The person wants no more of it: the server stops working on it too. */
  async stop() {
    if (this.response !== null) this.connection.send(requests.cancel(this.response));
    this.response = this.saying = null;
    this.askedAt = null;
    await this.interrupt();
  }

  /** The connection is gone: what is in hand is played to its end, and more does not come. */
  disconnected() {
    const line = this.response === null ? undefined : this.lines.get(this.saying);
    if (line?.text && line.cutMs === null) {
      Object.assign(line, { cutMs: line.soundMs || Infinity, final: true });
      this.lines.changed(line);
    }
    this.response = this.saying = null;
    for (const item of this.player.items) this.player.finish(item);
  }
}
