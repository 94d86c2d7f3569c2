/**
 * Plays the answer without gaps and knows, sample by sample, what has been played.
 *
 * In: {push: item, samples: Float32Array} | {finish: item} | {flush: number}
 * Out: {item, played, rms, ended?}; {flushed: number, item, played} in answer to a flush.
 */

const START_SAMPLES = 1_200; // 50 ms in hand before an answer starts, or goes on after it ran dry
const REPORT_EVERY = 6; // blocks of 128 samples: 32 ms at 24 kHz
const FADE = 96; // 4 ms: what is cut off fades instead of clicking

class Playback extends AudioWorkletProcessor {
  constructor() {
    super();
    this.queue = [];
    this.buffered = 0;
    this.running = false;
    this.item = null;
    this.played = 0;
    this.tail = null;
    this.blocks = 0;
    this.energy = 0;
    this.port.onmessage = ({ data }) => this.take(data);
  }

  take(message) {
    if (message.push !== undefined) {
      this.queue.push({ item: message.push, samples: message.samples, at: 0 });
      this.buffered += message.samples.length;
    } else if (message.finish !== undefined) {
      this.queue.push({ item: message.finish, samples: null, at: 0 });
      this.running = true;
    } else if (message.flush !== undefined) this.flush(message.flush);
  }

  flush(request) {
    this.tail = this.running ? this.cutOff() : null;
    this.queue = [];
    this.buffered = 0;
    this.running = false;
    this.port.postMessage({ flushed: request, item: this.item, played: this.played });
    this.item = null;
    this.played = 0;
  }

  cutOff() {
    const tail = new Float32Array(FADE);
    for (let i = 0; i < FADE; i++) tail[i] = this.next() * (1 - i / FADE);
    return tail;
  }

  /** The next sample, 0 when the queue is empty. */
  next() {
    for (;;) {
      const head = this.queue[0];
      if (head === undefined) return 0;
      if (head.samples === null) {
        this.end(head.item);
        continue;
      }
      if (head.at === head.samples.length) {
        this.queue.shift();
        continue;
      }
      if (head.item !== this.item) {
        this.item = head.item;
        this.played = 0;
      }
      this.played++;
      this.buffered--;
      return head.samples[head.at++];
    }
  }

  end(item) {
    this.queue.shift();
    this.running = this.queue.length > 0;
    this.port.postMessage({ item, played: item === this.item ? this.played : 0, rms: 0, ended: true });
  }

  process(_inputs, outputs) {
    const out = outputs[0][0];
    if (this.tail !== null) {
      out.set(this.tail.subarray(0, out.length));
      this.tail = null;
      return true;
    }
    if (!this.running && this.buffered >= START_SAMPLES) this.running = true;
    if (!this.running) return true;
    for (let i = 0; i < out.length; i++) {
      out[i] = this.next();
      this.energy += out[i] * out[i];
    }
    if (this.queue.length === 0) this.running = false;
    this.report(out.length);
    return true;
  }

  report(length) {
    if (++this.blocks < REPORT_EVERY) return;
    const rms = Math.sqrt(this.energy / (this.blocks * length));
    this.port.postMessage({ item: this.item, played: this.played, rms });
    this.blocks = 0;
    this.energy = 0;
  }
}

registerProcessor("playback", Playback);
