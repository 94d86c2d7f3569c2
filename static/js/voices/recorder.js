/**
 * Records the microphone into one file, as the browser encodes it (`MediaRecorder`), and measures its level meanwhile.
 *
 * The sound is left as it is: echo cancelling and noise suppression change a voice, and it is the voice that counts.
 *
 * Events: `level` {detail: rms 0..1} about 60 times a second while it records.
 */

import { MicrophoneError, askForMicrophone } from "../chat/microphone.js";

const AS_IT_IS = { echoCancellation: false, noiseSuppression: false };
/** What browsers write, and what the file is called then; Safari has no WebM. */
const FORMATS = [
  ["audio/webm;codecs=opus", "webm"],
  ["audio/mp4", "m4a"],
  ["audio/ogg;codecs=opus", "ogg"],
];
const BITS_PER_SECOND = 128_000;

export class Recorder extends EventTarget {
  static get isPossible() {
    return globalThis.isSecureContext && "MediaRecorder" in globalThis && Boolean(navigator.mediaDevices);
  }

  get recording() {
    return this.recorder !== undefined;
  }

  /** Asks for the microphone and records. @throws {MicrophoneError} */
  async start() {
    if (!Recorder.isPossible) throw new MicrophoneError("insecure");
    const stream = await askForMicrophone(AS_IT_IS);
    try {
      const [mimeType, suffix] = FORMATS.find(([type]) => MediaRecorder.isTypeSupported(type)) ?? [undefined, "webm"];
      this.suffix = suffix;
      this.recorder = new MediaRecorder(stream, { mimeType, audioBitsPerSecond: BITS_PER_SECOND });
      this.watch(stream);
      this.pieces = [];
      this.recorder.addEventListener("dataavailable", ({ data }) => data.size > 0 && this.pieces.push(data));
      this.recorder.start();
    } catch (error) {
      this.release(stream);
      throw new MicrophoneError("busy", { cause: error });
    }
  }

  /** @returns {Promise<File>} what was recorded; the microphone is closed again */
  async stop() {
    const { recorder } = this;
    if (recorder.state !== "inactive") {
      const over = new Promise((resolve) => recorder.addEventListener("stop", resolve, { once: true }));
      recorder.stop();
      await over;
    }
    this.release(recorder.stream);
    return new File(this.pieces, `recording.${this.suffix}`, { type: recorder.mimeType.split(";")[0] });
  }

  watch(stream) {
    this.context = new AudioContext();
    const analyser = this.context.createAnalyser();
    analyser.fftSize = 1024;
    this.context.createMediaStreamSource(stream).connect(analyser);
    const samples = new Float32Array(analyser.fftSize);
    const measure = () => {
      if (!this.recording) return;
      analyser.getFloatTimeDomainData(samples);
      const rms = Math.sqrt(samples.reduce((sum, x) => sum + x * x, 0) / samples.length);
      this.dispatchEvent(new CustomEvent("level", { detail: rms }));
      requestAnimationFrame(measure);
    };
    requestAnimationFrame(measure);
  }

  release(stream) {
    this.recorder = undefined;
    for (const track of stream.getTracks()) track.stop();
    void this.context?.close();
    this.context = undefined;
  }
}
