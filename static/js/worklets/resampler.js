/**
 * Streaming sample rate conversion with a windowed sinc (Blackman), for the capture worklet.
 *
 * Each output sample is the input, low-passed below the lower of the two Nyquist frequencies, at that moment. The
 * state carries over from block to block, so there is no click between them.
 */

const ZERO_CROSSINGS = 16;
const PHASES = 256;

export class Resampler {
  /** @param {number} from samples per second in; @param {number} to samples per second out */
  constructor(from, to) {
    this.step = from / to;
    const cutoff = Math.min(1, to / from) * 0.95;
    this.half = Math.ceil(ZERO_CROSSINGS / cutoff);
    this.kernel = kernelTable(this.half, cutoff);
    this.past = new Float32Array(2 * this.half);
    /** Where the next output lies, in input samples from the start of `past`. */
    this.position = this.half;
  }

  /** @param {Float32Array} block @returns {Float32Array} what can be computed so far */
  feed(block) {
    if (this.step === 1) return block.slice();
    const input = new Float32Array(this.past.length + block.length);
    input.set(this.past);
    input.set(block, this.past.length);
    const last = input.length - this.half;
    const output = new Float32Array(Math.max(0, Math.ceil((last - this.position) / this.step)));
    let written = 0;
    for (; this.position < last; this.position += this.step) output[written++] = this.at(input, this.position);
    const keepFrom = Math.max(0, Math.floor(this.position) - this.half);
    this.past = input.slice(keepFrom);
    this.position -= keepFrom;
    return output.subarray(0, written);
  }

  at(input, position) {
    const whole = Math.floor(position);
    const row = Math.round((position - whole) * PHASES) * 2 * this.half;
    const first = whole - this.half + 1;
    let sum = 0;
    for (let tap = 0; tap < 2 * this.half; tap++) sum += (input[first + tap] ?? 0) * this.kernel[row + tap];
    return sum;
  }
}

function kernelTable(half, cutoff) {
  const width = 2 * half;
  const table = new Float32Array((PHASES + 1) * width);
  for (let phase = 0; phase <= PHASES; phase++) {
    let gain = 0;
    for (let tap = 0; tap < width; tap++) {
      const x = tap - half + 1 - phase / PHASES;
      const edge = Math.min(1, Math.abs(x) / half);
      const window = 0.42 + 0.5 * Math.cos(Math.PI * edge) + 0.08 * Math.cos(2 * Math.PI * edge);
      const sinc = x === 0 ? 1 : Math.sin(Math.PI * cutoff * x) / (Math.PI * cutoff * x);
      gain += table[phase * width + tap] = sinc * window;
    }
    for (let tap = 0; tap < width; tap++) table[phase * width + tap] /= gain;
  }
  return table;
}
