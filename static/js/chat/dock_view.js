/** The dock: which state it is, and which buttons that state offers. */

import { STATES, stateOf } from "./state.js";
import { filled, gettext, seconds } from "./words.js";

/** States that a screen reader says, and what follows them; the quick ones of a turn would talk into the conversation. */
const SPOKEN = new Set(["connecting", "asking", "queued", "waiting", "full", "refused", "forbidden", "ended"]);
const IN_SESSION = new Set(["asking", "listening", "hearing", "thinking", "speaking", "muted", "typing", "holding"]);

const STEPS = [
  ["endpoint_ms", gettext("End of turn found")],
  ["transcript_ms", gettext("Words understood")],
  ["first_token_ms", gettext("First word written")],
  ["first_sentence_ms", gettext("First sentence written")],
  ["first_audio_ms", gettext("First sound sent")],
  ["heard_ms", gettext("First sound heard")],
];

export class DockView {
  steps = {};

  constructor(byId) {
    this.byId = byId;
  }

  /** @param {Parameters<typeof stateOf>[0]} facts */
  draw(facts) {
    const { byId } = this;
    const state = stateOf(facts);
    const before = byId("status").dataset.state;
    if (before !== state) {
      byId("status").dataset.state = state;
      byId("status-text").textContent = STATES[state];
      if (SPOKEN.has(state) || SPOKEN.has(before)) this.announce(STATES[state]);
    }
    const inSession = facts.link === "open" && IN_SESSION.has(state);
    const talking = inSession && facts.microphone === "on";
    byId("start").hidden = talking;
    byId("start").disabled = ["connecting", "queued"].includes(facts.link) || facts.microphone === "asking";
    byId("start-label").textContent = inSession ? gettext("Use microphone") : gettext("Start talking");
    byId("mute").hidden = !(talking && facts.handsFree);
    byId("mute").setAttribute("aria-pressed", String(facts.muted));
    byId("hold").hidden = byId("hold-hint").hidden = !(talking && !facts.handsFree);
    byId("hold").setAttribute("aria-pressed", String(facts.held));
    byId("stop").disabled = !(facts.speaking || (facts.thinking && facts.link === "open"));
    byId("end").disabled = ["idle", "forbidden", "ended"].includes(facts.link);
  }

  /** @param {Record<string, number|null>} steps of the last turn, in milliseconds */
  showLatency(steps) {
    const isNew = steps.response_id !== undefined && steps.response_id !== this.steps.response_id;
    if (isNew) Object.assign(this.steps, EMPTY);
    Object.assign(this.steps, steps);
    const figure = this.steps.heard_ms ?? this.steps.first_audio_ms;
    if (figure === null || figure === undefined) return;
    this.byId("latency").hidden = false;
    this.byId("latency-figure").textContent = seconds(figure);
    const known = STEPS.filter(([name]) => typeof this.steps[name] === "number");
    const rows = known.map(([name, label]) => row(label, seconds(this.steps[name])));
    this.byId("latency-steps").tBodies[0].replaceChildren(...rows);
  }

  forgetLatency() {
    this.steps = {};
    this.byId("latency").hidden = true;
  }

  announce(text) {
    this.byId("announcements").textContent = text;
  }

  announceAnswer(text) {
    this.announce(filled(gettext("AVATAR writes: %(text)s"), { text }));
  }
}

const EMPTY = Object.fromEntries(STEPS.filter(([name]) => name !== "heard_ms").map(([name]) => [name, null]));

function row(label, value) {
  const tr = document.createElement("tr");
  const th = document.createElement("th");
  th.scope = "row";
  th.textContent = label;
  const td = document.createElement("td");
  td.textContent = value;
  tr.append(th, td);
  return tr;
}
