/**
 * The transcript follows the sound: the line that is heard and the events at their moments light up.
 *
 * Events: `turn` {detail: {turn}} when another turn is the current one.
 */

import { filled, gettext } from "../../chat/words.js";
import { clock } from "../clock.js";

const STATES = {
  erased: gettext("sound erased"),
  unkept: gettext("sound not kept"),
};
const EVENTS = {
  "user.spoke": gettext("utterance stored"),
  "user.transcribed": gettext("transcribed"),
  "user.transcription_failed": gettext("not understood"),
  "user.wrote": gettext("message written"),
  "reply.started": gettext("answer begun"),
  "reply.spoken": gettext("sentence spoken"),
  "reply.generated": gettext("answer generated"),
  "reply.heard": gettext("heard"),
  "reply.finished": gettext("answer finished"),
  "reply.failed": gettext("answer failed"),
  "tool.called": gettext("tool called"),
  "turn.measured": gettext("times measured"),
  "turn.redacted": gettext("redacted"),
};
/** An event glows for so long. */
const GLOW_MS = 700;

export class Follower extends EventTarget {
  current = 0;
  past = 0;
  old = 0;

  /** @param {HTMLElement} list the turns @param {import("./deck.js").Deck} deck */
  constructor(list, deck) {
    super();
    this.list = list;
    this.deck = deck;
    this.lines = [];
    /** In the order of their moments; those before `past` were reached, and those from `old` on just now. */
    this.marks = [];
    list.addEventListener("click", ({ target }) => this.clicked(target));
    deck.addEventListener("timeline", () => this.place());
    deck.addEventListener("moved", () => this.follow());
  }

  /** Times have changed. */
  place() {
    const { utterances, marks } = this.deck.timeline;
    this.turns = new Map();
    this.lines = utterances.map((utterance) => this.placeLine(utterance)).filter(({ element }) => element);
    this.marks = this.placeMarks(marks).sort((a, b) => a.start - b.start);
    [this.old, this.past] = [0, 0];
    this.follow();
    if (this.current === 0 && this.turns.size > 0) this.turnTo(this.turns.keys().next().value);
  }

  placeLine({ turn, who, start_ms: start, end_ms: end, state }) {
    const element = this.list.querySelector(`#turn-${turn} [data-who="${who}"]`);
    const span = this.turns.get(turn) ?? [start, end];
    this.turns.set(turn, [Math.min(span[0], start), Math.max(span[1], end)]);
    if (element !== null) {
      const button = element.querySelector(".seek");
      button.textContent = clock(start);
      button.dataset.at = String(start);
      button.setAttribute("aria-label", filled(gettext("Play from %(time)s"), { time: clock(start) }));
      element.querySelector(".replay-state").textContent = STATES[state] ?? "";
      element.dataset.state = state;
    }
    return { element, turn, start, end: Math.max(end, start + GLOW_MS) };
  }

  placeMarks(marks) {
    const byTurn = new Map();
    for (const mark of marks) if (mark.turn > 0) byTurn.set(mark.turn, [...(byTurn.get(mark.turn) ?? []), mark]);
    const placed = [];
    for (const [turn, some] of byTurn) {
      const items = some.map((mark) => this.markItem(mark, placed));
      this.list.querySelector(`#turn-${turn} .marks`)?.replaceChildren(...items);
    }
    return placed;
  }

  markItem({ at_ms: at, sequence, type }, placed) {
    const item = document.createElement("li");
    const button = document.createElement("button");
    button.type = "button";
    button.className = "seek";
    button.dataset.at = String(at);
    button.textContent = clock(at, 2);
    const name = document.createElement("span");
    name.textContent = EVENTS[type] ?? type;
    name.title = `${type} #${sequence}`;
    item.append(button, name);
    placed.push({ element: item, start: at });
    return item;
  }

  clicked(target) {
    const button = target.closest(".seek");
    const turn = Number(target.closest("[data-turn]")?.dataset.turn ?? 0);
    if (button?.dataset.at !== undefined) {
      this.deck.go(Number(button.dataset.at));
    } else if (turn > 0 && getSelection()?.isCollapsed !== false) {
      this.goTo(turn);
    }
    if (turn > 0) this.turnTo(turn);
  }

  follow() {
    const now = this.deck.nowMs + 1;
    for (const { element, start, end } of this.lines) {
      const on = now >= start && now < end && (this.deck.playing || now > 1);
      if (element.classList.contains("current") !== on) element.classList.toggle("current", on);
    }
    this.lightMarks(now);
    const turn = this.turnAt(now);
    if (turn > 0 && turn !== this.current && now > 1) this.turnTo(turn, true);
  }

  /** Thousands of events, sixty times a second: only those are touched that have changed. */
  lightMarks(now) {
    const past = countUpTo(this.marks, now);
    const old = now > 1 ? countUpTo(this.marks, now - GLOW_MS) : past;
    for (const { element } of between(this.marks, this.past, past)) element.classList.toggle("past", past > this.past);
    for (const { element } of this.marks.slice(this.old, this.past)) element.classList.remove("now");
    for (const { element } of this.marks.slice(old, past)) element.classList.add("now");
    [this.old, this.past] = [old, past];
  }

  /** The turn that began last. */
  turnAt(ms) {
    let found = 0;
    for (const [turn, [start]] of this.turns ?? []) if (start <= ms) found = turn;
    return found;
  }

  turnTo(turn, scroll = false) {
    if (turn === this.current) return;
    this.list.querySelector(".replay-turn[aria-current]")?.removeAttribute("aria-current");
    this.current = turn;
    const element = this.list.querySelector(`#turn-${turn}`);
    element?.setAttribute("aria-current", "true");
    if (scroll && this.deck.playing) element?.scrollIntoView({ block: "nearest", behavior: "smooth" });
    this.dispatchEvent(new CustomEvent("turn", { detail: { turn } }));
  }

  goTo(turn) {
    const span = this.turns.get(turn);
    if (span) this.deck.go(span[0]);
  }

  /** @param {number} step -1 or 1 */
  goBy(step) {
    const turns = [...(this.turns?.keys() ?? [])];
    const at = turns.indexOf(this.turnAt(this.deck.nowMs + 1));
    const began = this.turns?.get(turns[at])?.[0] ?? 0;
    // Back leads to the beginning of the turn that plays, if it has been playing for a while.
    const to = step < 0 && this.deck.nowMs - began > 1500 ? at : at + step;
    const turn = turns[Math.min(Math.max(to, 0), turns.length - 1)];
    if (turn === undefined) return;
    this.goTo(turn);
    this.turnTo(turn, true);
  }
}

/** How many of the marks begin at that moment or before. */
function countUpTo(marks, ms) {
  let [low, high] = [0, marks.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (marks[middle].start <= ms) low = middle + 1;
    else high = middle;
  }
  return low;
}

const between = (marks, a, b) => marks.slice(Math.min(a, b), Math.max(a, b));
