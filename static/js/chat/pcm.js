/** PCM16 little endian mono at 24 kHz, its base64 form on the wire, and float32 for the browser's audio. */

export const RATE = 24_000;
const CHUNK = 0x8000; // String.fromCharCode takes its arguments on the stack

/** @param {ArrayBuffer} buffer @returns {string} */
export function toBase64(buffer) {
  const bytes = new Uint8Array(buffer);
  if (bytes.toBase64) return bytes.toBase64();
  let binary = "";
  for (let i = 0; i < bytes.length; i += CHUNK) binary += String.fromCharCode(...bytes.subarray(i, i + CHUNK));
  return btoa(binary);
}

/** @param {string} text @returns {Int16Array} an odd last byte is left out */
export function fromBase64(text) {
  const bytes = Uint8Array.fromBase64 ? Uint8Array.fromBase64(text) : Uint8Array.from(atob(text), (c) => c.charCodeAt(0));
  return new Int16Array(bytes.buffer, 0, bytes.byteLength >> 1);
}

/** @param {Int16Array} pcm @returns {Float32Array} */
export function toFloat(pcm) {
  const samples = new Float32Array(pcm.length);
  for (let i = 0; i < pcm.length; i++) samples[i] = pcm[i] / 32_768;
  return samples;
}

/** @param {Int16Array[]} pieces @returns {Int16Array} */
export function joined(pieces) {
  const whole = new Int16Array(pieces.reduce((sum, piece) => sum + piece.length, 0));
  let at = 0;
  for (const piece of pieces) {
    whole.set(piece, at);
    at += piece.length;
  }
  return whole;
}

export const samplesIn = (ms) => Math.round((ms * RATE) / 1000);
export const msOf = (samples) => (samples * 1000) / RATE;
