/** Plays a kept line again. Events: `change` {line|null}: which one is playing now. */

import { joined, RATE, toFloat } from "./pcm.js";

export class Replay extends EventTarget {
  /** @param {import("./player.js").Player} player whose audio context is used */
  constructor(player) {
    super();
    this.player = player;
    this.line = null;
  }

  /** @param {string} line @param {Int16Array[]} pieces */
  async play(line, pieces) {
    this.stop();
    await this.player.start();
    const samples = toFloat(joined(pieces));
    const buffer = this.player.context.createBuffer(1, samples.length, RATE);
    buffer.copyToChannel(samples, 0);
    this.begin(line, buffer);
  }

  /** @param {string} line @param {string} url of a sound on the server @returns {Promise<boolean>} whether there is one */
  async playRecording(line, url) {
    this.stop();
    this.show(line);
    const asked = (this.asked = Symbol(line));
    await this.player.start();
    const buffer = await this.fetched(url);
    if (this.asked !== asked || this.line !== line) return true; // stopped meanwhile, or asked for once more
    if (buffer === null) this.stop();
    else this.begin(line, buffer);
    return buffer !== null;
  }

  async fetched(url) {
    try {
      const answer = await fetch(url);
      return answer.ok ? await this.player.context.decodeAudioData(await answer.arrayBuffer()) : null;
    } catch {
      return null;
    }
  }

  begin(line, buffer) {
    const source = new AudioBufferSourceNode(this.player.context, { buffer });
    source.connect(this.player.context.destination);
    source.addEventListener("ended", () => this.source === source && this.stop());
    source.start();
    this.source = source;
    this.show(line);
  }

  stop() {
    this.source?.stop();
    this.source = undefined;
    if (this.line !== null) this.show(null);
  }

  show(line) {
    this.line = line;
    this.dispatchEvent(new CustomEvent("change", { detail: { line } }));
  }
}
