/** What is said, line by line; an answer grows sentence by sentence in one line. */

import { filled, gettext } from "../chat/words.js";

const MOST_LINES = 1_000;
const NEAR_PX = 60;

/** Facts that are no words: what stands in their place. */
const NOTES = {
  "session.opened": () => gettext("The session began"),
  "session.closed": ({ code }) => filled(gettext("The session ended (%(code)s)"), { code }),
  "session.cut": ({ code }) => filled(gettext("A moderator ended the session (%(code)s)"), { code }),
  muted: ({ code }) => filled(gettext("A moderator muted the session (%(code)s)"), { code }),
  unmuted: ({ code }) => filled(gettext("A moderator let the session speak again (%(code)s)"), { code }),
  flag: ({ code }) => filled(gettext("Flagged: %(code)s"), { code }),
  failed: ({ code }) => filled(gettext("Something failed: %(code)s"), { code }),
  "turn.redacted": () => gettext("A turn was redacted"),
  "conversation.erased": () => gettext("The conversation was erased"),
  "conversation.keep_changed": ({ code }) => filled(gettext("What is kept from here on: %(code)s"), { code }),
};

export class Transcript {
  items = new Map();

  constructor({ scroller, list, nothing, reasons }) {
    Object.assign(this, { scroller, list, nothing, reasons });
  }

  take(line) {
    const follows = this.scroller.scrollHeight - this.scroller.scrollTop - this.scroller.clientHeight < NEAR_PX;
    this.add(line);
    this.nothing.hidden = this.list.childElementCount > 0;
    while (this.list.childElementCount > MOST_LINES) this.list.firstElementChild.remove();
    if (follows) this.scroller.scrollTop = this.scroller.scrollHeight;
  }

  add(line) {
    if (line.kind === "user" || line.kind === "assistant") this.words(line);
    else if (line.kind === "cut") this.cut(line);
    else if (line.kind in NOTES) this.note(line);
    if (line.kind === "turn.redacted") this.redact((element) => element.dataset.turn === line.turn);
    if (line.kind === "conversation.erased") this.redact(() => true);
  }

  words(line) {
    const words = (this.items.get(line.item) ?? this.open(line)).querySelector(".live-words");
    if (line.sealed) {
      words.textContent = gettext("No words are kept");
      words.classList.add("live-sealed");
      return;
    }
    const gap = words.textContent && line.text && !/^\s/.test(line.text) && /[\x21-\x7e]$/.test(words.textContent) ? " " : "";
    words.textContent = line.kind === "user" ? line.text : words.textContent + gap + line.text;
  }

  open(line) {
    const element = document.createElement("li");
    element.className = `live-line live-${line.kind}`;
    element.dataset.turn = line.turn ?? "";
    const who = document.createElement("p");
    who.className = "live-who";
    who.append(line.kind === "user" ? gettext("Person") : "AVATAR", " ", time(line.at));
    const words = document.createElement("p");
    words.className = "live-words";
    element.append(who, words);
    this.list.append(element);
    this.items.set(line.item, element);
    return element;
  }

  /** The answer was cut: only this much of it was heard. */
  cut(line) {
    const element = this.items.get(line.item);
    if (element === undefined || element.querySelector(".live-cut") !== null) return;
    const words = element.querySelector(".live-words");
    const said = words.textContent;
    const heard = (line.text ?? "").trim();
    if (!line.sealed && said.startsWith(heard)) {
      const unheard = document.createElement("span");
      unheard.className = "live-unheard";
      unheard.textContent = said.slice(heard.length);
      words.replaceChildren(heard, unheard);
    }
    const mark = document.createElement("span");
    mark.className = "live-cut live-soft";
    mark.textContent = gettext("interrupted here");
    words.append(" ", mark);
  }

  note(line) {
    const element = document.createElement("li");
    element.className = `live-line live-fact${line.kind === "failed" || line.kind === "flag" ? " live-fact-warn" : ""}`;
    const code = (line.code ?? "").replace(/^cut: /, "");
    element.append(NOTES[line.kind]({ code: this.reasons[code] ?? code }), " ", time(line.at));
    this.list.append(element);
  }

  redact(chosen) {
    for (const element of this.list.querySelectorAll(".live-user, .live-assistant")) {
      if (!chosen(element)) continue;
      const words = element.querySelector(".live-words");
      words.textContent = gettext("No words are kept");
      words.classList.add("live-sealed");
    }
  }
}

function time(iso) {
  const element = document.createElement("time");
  element.className = "live-soft";
  element.dateTime = iso;
  element.textContent = new Date(iso).toLocaleTimeString(document.documentElement.lang, { timeStyle: "medium" });
  return element;
}
