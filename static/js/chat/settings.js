/** What the person chose, kept in this browser. */

const KEY = "avatar.settings";
const DEFAULTS = { mode: "hands-free", language: "", voice: "", quality: "fast", aloud: true, keep: "" };

export class Settings extends EventTarget {
  constructor(storage = localStorage) {
    super();
    this.storage = storage;
    this.values = { ...DEFAULTS, ...stored(storage) };
  }

  get(name) {
    return this.values[name];
  }

  /** Keeps the value and tells everybody who listens to `change`. */
  set(name, value) {
    if (this.values[name] === value) return;
    this.values[name] = value;
    this.storage.setItem(KEY, JSON.stringify(this.values));
    this.dispatchEvent(new CustomEvent("change", { detail: { name, value } }));
  }
}

function stored(storage) {
  try {
    return JSON.parse(storage.getItem(KEY) ?? "{}");
  } catch {
    return {}; // written by something else: the defaults hold
  }
}
