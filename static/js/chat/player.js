/**
 * Plays answers as they arrive and knows what has been heard.
 *
 * Events: `started` {item}, `progress` {item, heardMs, rms}, `ended` {item}.
 */

import { msOf, RATE, toFloat } from "./pcm.js";

export class Player extends EventTarget {
  /** The answers in hand, the one that is heard first. */
  items = [];
  begun = null;
  flushes = new Map();
  flushed = 0;

  /** Browsers let sound begin only after a click or a key: call it from there. */
  async start() {
    this.opening ??= this.open();
    await this.opening;
    await this.context.resume();
  }

  async open() {
    this.context = new AudioContext({ sampleRate: RATE, latencyHint: "interactive" });
    await this.context.audioWorklet.addModule(new URL("../worklets/playback.js", import.meta.url));
    this.node = new AudioWorkletNode(this.context, "playback", { numberOfInputs: 0, outputChannelCount: [1] });
    this.node.port.onmessage = ({ data }) => this.hear(data);
    this.node.connect(this.context.destination);
  }

  /** True while an answer is audible or about to be. */
  get playing() {
    return this.items.length > 0;
  }

  /** @param {string} item @param {Int16Array} pcm */
  push(item, pcm) {
    if (!this.node || pcm.length === 0) return;
    if (!this.items.includes(item)) this.items.push(item);
    const samples = toFloat(pcm);
    this.node.port.postMessage({ push: item, samples }, [samples.buffer]);
  }

  /** No more sound comes for that item. */
  finish(item) {
    if (this.items.includes(item)) this.node.port.postMessage({ finish: item });
  }

  /** Silence at once. @returns {Promise<{item: string, heardMs: number}|null>} what was cut, and how much was heard */
  async flush() {
    if (!this.playing) return null;
    const [cut] = this.items;
    this.items = [];
    const request = ++this.flushed;
    const { item, played } = await new Promise((resolve) => {
      this.flushes.set(request, resolve);
      this.node.port.postMessage({ flush: request });
    });
    return { item: cut, heardMs: item === cut ? this.heardMs(played) : 0 };
  }

  hear(report) {
    if (report.flushed !== undefined) {
      this.flushes.get(report.flushed)?.(report);
      this.flushes.delete(report.flushed);
      return;
    }
    if (this.flushes.size > 0 || report.item === null) return; // sent before the flush was carried out
    const { item } = report;
    if (report.ended) {
      this.items = this.items.filter((other) => other !== item);
      this.tell("ended", { item });
      return;
    }
    if (item !== this.begun) {
      this.begun = item;
      this.tell("started", { item });
    }
    this.tell("progress", { item, heardMs: this.heardMs(report.played), rms: report.rms });
  }

  /** Samples given to the device, less those that are still on their way to the ear. */
  heardMs(played) {
    return Math.max(0, msOf(played) - ((this.context.outputLatency || 0) + this.context.baseLatency) * 1000);
  }

  tell(type, detail) {
    this.dispatchEvent(new CustomEvent(type, { detail }));
  }
}
