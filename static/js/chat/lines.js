/** The lines of the conversation, by item id. Events: `added`, `changed`, `removed` {line}; `cleared`. */

import { Timeline } from "./timeline.js";

export class Line {
  /** Whether its words are complete. */
  final = false;
  /** Milliseconds of an answer after which the listener stopped it; null when it was heard to its end. */
  cutMs = null;
  /** Milliseconds of the answer's sound received. */
  soundMs = 0;
  /** Index of the sentence that is heard now, or -1. */
  current = -1;
  /** Milliseconds from the end of speech to the first sound. */
  latencyMs = null;
  /** Whose cloned voice says it: a profile's id or `self`; empty for a voice of the server's own. */
  voice = "";
  failed = "";
  /** Address of its sound on the server, for a line from before this page. */
  recording = "";

  constructor(id, role, at) {
    this.id = id;
    this.role = role;
    this.at = at;
    this.timeline = new Timeline();
  }

  get text() {
    return this.timeline.text;
  }

  set text(text) {
    this.timeline = new Timeline();
    if (text) this.timeline.addDelta(text, 0);
  }
}

export class Lines extends EventTarget {
  byId = new Map();

  /** @returns {Line} the line of that item, made if it is new */
  open(id, role, at = new Date()) {
    let line = this.byId.get(id);
    if (line === undefined) {
      line = new Line(id, role, at);
      this.byId.set(id, line);
      this.tell("added", line);
    }
    return line;
  }

  get(id) {
    return this.byId.get(id);
  }

  changed(line) {
    if (this.byId.has(line.id)) this.tell("changed", line);
  }

  remove(id) {
    const line = this.byId.get(id);
    if (line === undefined) return;
    this.byId.delete(id);
    this.tell("removed", line);
  }

  clear() {
    this.byId.clear();
    this.dispatchEvent(new Event("cleared"));
  }

  tell(type, line) {
    this.dispatchEvent(new CustomEvent(type, { detail: { line } }));
  }
}
