/**
 * The microphone as PCM16 24 kHz pieces. Events: `piece` {pcm: ArrayBuffer, rms}, `lost` when the device goes away.
 *
 * It captures at the device's own rate and converts by itself: not every browser lets a microphone into a context of
 * another rate.
 */

const CONSTRAINTS = { echoCancellation: true, noiseSuppression: true, autoGainControl: true, channelCount: { ideal: 1 } };

/** Why there is no sound: `insecure`, `refused`, `missing` or `busy`. */
export class MicrophoneError extends Error {
  constructor(reason, options) {
    super(reason, options);
    this.reason = reason;
  }
}

export class Microphone extends EventTarget {
  /** Silence is sent while true: the server's clock goes on, and an utterance that was begun comes to its end. */
  muted = false;

  get open() {
    return this.stream !== undefined;
  }

  /** Asks for the microphone. @throws {MicrophoneError} */
  async start() {
    if (this.open) return;
    if (!globalThis.isSecureContext || !navigator.mediaDevices) throw new MicrophoneError("insecure");
    const stream = await askForMicrophone();
    try {
      this.context = new AudioContext({ latencyHint: "interactive" });
      await this.context.audioWorklet.addModule(new URL("../worklets/capture.js", import.meta.url));
      await this.context.resume();
    } catch (error) {
      stopTracks(stream);
      await this.context?.close();
      throw new MicrophoneError("busy", { cause: error });
    }
    this.stream = stream;
    const node = new AudioWorkletNode(this.context, "capture", { numberOfOutputs: 0 });
    node.port.onmessage = ({ data }) => this.deliver(data);
    this.context.createMediaStreamSource(stream).connect(node);
    for (const track of stream.getAudioTracks()) track.addEventListener("ended", () => this.lose());
  }

  deliver({ pcm, rms }) {
    if (!this.open) return;
    const detail = this.muted ? { pcm: new ArrayBuffer(pcm.byteLength), rms: 0 } : { pcm, rms };
    this.dispatchEvent(new CustomEvent("piece", { detail }));
  }

  lose() {
    this.stop();
    this.dispatchEvent(new Event("lost"));
  }

  stop() {
    if (!this.open) return;
    stopTracks(this.stream);
    this.stream = undefined;
    void this.context.close();
  }
}

/** @param {MediaTrackConstraints} others than for a conversation @throws {MicrophoneError} */
export async function askForMicrophone(others = {}) {
  try {
    return await navigator.mediaDevices.getUserMedia({ audio: { ...CONSTRAINTS, ...others } });
  } catch (error) {
    const reasons = { NotAllowedError: "refused", SecurityError: "refused", NotFoundError: "missing" };
    throw new MicrophoneError(reasons[error.name] ?? "busy", { cause: error });
  }
}

function stopTracks(stream) {
  for (const track of stream.getTracks()) track.stop();
}
