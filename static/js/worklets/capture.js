/** Microphone to PCM16 mono 24 kHz in pieces, on the audio thread. */

import { Resampler } from "./resampler.js";

const RATE = 24_000;
const PIECE = 768; // 32 ms: one window of the server's voice activity detector

class Capture extends AudioWorkletProcessor {
  constructor() {
    super();
    this.resampler = new Resampler(sampleRate, RATE);
    this.startPiece();
  }

  startPiece() {
    this.piece = new Int16Array(PIECE);
    this.filled = 0;
    this.energy = 0;
  }

  process(inputs) {
    const channels = inputs[0];
    if (channels.length === 0) return true;
    for (const sample of this.resampler.feed(mono(channels))) {
      const bounded = Math.max(-1, Math.min(1, sample));
      this.energy += bounded * bounded;
      this.piece[this.filled++] = Math.round(bounded * 32_767);
      if (this.filled === PIECE) this.send();
    }
    return true;
  }

  send() {
    const pcm = this.piece.buffer;
    this.port.postMessage({ pcm, rms: Math.sqrt(this.energy / PIECE) }, [pcm]);
    this.startPiece();
  }
}

function mono(channels) {
  if (channels.length === 1) return channels[0];
  const mix = new Float32Array(channels[0].length);
  for (const channel of channels) for (let i = 0; i < mix.length; i++) mix[i] += channel[i] / channels.length;
  return mix;
}

registerProcessor("capture", Capture);
