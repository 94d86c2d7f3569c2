/**
 * The WebSocket, kept alive: a dropped connection comes back by itself, with back-off, in the same conversation.
 *
 * Events: `state` (read `state`, `reason`, `retryAt`), `event` {detail: server event}.
 * States: `idle`, `connecting`, `queued` (read `queue`), `open`, `waiting` (until `retryAt`), `full`, `refused`, `forbidden`, `ended`.
 */

import { Backoff } from "./backoff.js";

const FULL = 4013;
const UNAUTHORIZED = 4401;
const FORBIDDEN = 4403;
const NORMAL = 1000;
const FULL_RETRY_MS = 15_000;
const STABLE_MS = 5_000;
const MOST_BUFFERED = 1_000_000; // bytes: sound that a stalled network does not take is dropped, not piled up

export class Connection extends EventTarget {
  state = "idle";
  /** The code of the server's last `error` before it closed, e.g. `session_idle`. */
  reason = "";
  /** A moderator has silenced the session. */
  moderated = false;
  /** The place in line while `queued`: {position, places, expected_s}. */
  queue = null;
  /** `Date.now()` of the next try while `waiting` or `full`. */
  retryAt = 0;
  /** The conversation to go on with after a drop. */
  conversation = { id: "", sequence: 0 };
  /** What is to be kept of it: `sound`, `text`, `nothing`; "" leaves what was chosen before. */
  keep = "";

  constructor(path, backoff = new Backoff()) {
    super();
    this.path = path;
    this.backoff = backoff;
    addEventListener("online", () => this.state === "waiting" && this.open());
  }

  get isOpen() {
    return this.state === "open";
  }

  /** It opens by itself, in a moment or when a place is free. */
  get isComing() {
    return this.state === "connecting" || this.state === "queued";
  }

  open() {
    this.drop();
    this.reason = "";
    this.moderated = false;
    const socket = new WebSocket(this.address(), ["realtime"]);
    this.socket = socket;
    this.become("connecting");
    socket.onmessage = ({ data }) => this.socket === socket && this.receive(JSON.parse(data));
    socket.onclose = ({ code }) => this.socket === socket && this.closed(code);
  }

  address() {
    const address = new URL(this.path, location.href);
    address.protocol = address.protocol.replace("http", "ws");
    address.searchParams.set("extras", "avatar");
    if (this.keep) address.searchParams.set("keep", this.keep);
    if (this.conversation.id) {
      address.searchParams.set("conversation", this.conversation.id);
      address.searchParams.set("after", String(this.conversation.sequence));
    }
    return address;
  }

  receive(event) {
    if (event.type === "avatar.conversation") {
      // Comes last of what greets: after the session, and after what was said before in a conversation gone on with.
      this.conversation = { id: event.conversation_id, sequence: event.sequence };
      this.stable = setTimeout(() => this.backoff.reset(), STABLE_MS);
      this.state = "open";
    } else if (event.type === "avatar.queue") {
      this.queue = event;
      this.become("queued");
    } else if (event.type === "avatar.recorded") {
      this.conversation.sequence = event.sequence;
    } else if (event.type === "avatar.moderation") {
      this.moderated = event.muted;
    } else if (event.type === "error") {
      this.reason = event.error.code ?? event.error.type;
    }
    this.dispatchEvent(new CustomEvent("event", { detail: event }));
    if (event.type === "avatar.conversation") this.become("open");
  }

  /** @returns {boolean} whether it was sent */
  send(event) {
    if (!this.isOpen) return false;
    if (event.type === "input_audio_buffer.append" && this.socket.bufferedAmount > MOST_BUFFERED) return false;
    this.socket.send(JSON.stringify(event));
    return true;
  }

  closed(code) {
    this.drop();
    if (code === FULL || this.reason === "server_full") this.wait("full", FULL_RETRY_MS);
    else if (code === UNAUTHORIZED) this.become("refused");
    else if (code === FORBIDDEN) this.become("forbidden");
    else if (this.reason === "conversation_not_found") this.forget();
    else if (code === NORMAL) this.become("ended");
    else this.wait("waiting", this.backoff.next());
  }

  /** The conversation is gone (erased, or another person's): begin a new one, in which what waits to be sent is said. */
  forget() {
    this.conversation = { id: "", sequence: 0 };
    this.open();
  }

  wait(state, ms) {
    this.retryAt = Date.now() + ms;
    this.retry = setTimeout(() => this.open(), ms);
    this.become(state);
  }

  /** Hangs up. */
  close() {
    this.drop();
    this.backoff.reset();
    this.become("idle");
  }

  drop() {
    clearTimeout(this.retry);
    clearTimeout(this.stable);
    const socket = this.socket;
    this.socket = undefined;
    socket?.close(NORMAL);
  }

  become(state) {
    this.state = state;
    this.dispatchEvent(new Event("state"));
  }
}
