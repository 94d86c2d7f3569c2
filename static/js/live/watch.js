/** A moderator follows one session: its words as they are said, and what can be done about them. */

import { filled, gettext } from "../chat/words.js";
import { Transcript } from "./transcript.js";

const byId = (id) => document.getElementById(id);
const page = JSON.parse(byId("page").textContent);

const OVER = {
  closed: gettext("This session has ended"),
  not_allowed: gettext("You may not watch any more: your permission was taken back, or you were signed out"),
  gone: gettext("This conversation was erased"),
  full: gettext("Too many people are watching at the moment. Close another watch, then reload this page."),
  long: gettext("You have watched for an hour. Reload the page to go on."),
};

class Watch {
  constructor() {
    this.transcript = new Transcript({
      scroller: byId("transcript"),
      list: byId("lines"),
      nothing: byId("nothing"),
      reasons: page.reasons,
    });
    this.since = Date.parse(byId("duration").dataset.since);
    this.source = new EventSource(page.feed);
    this.source.addEventListener("open", () => this.show("live"));
    this.source.addEventListener("error", () => this.broken());
    this.source.addEventListener("line", ({ data }) => this.transcript.take(JSON.parse(data)));
    this.source.addEventListener("state", ({ data }) => this.state(JSON.parse(data)));
    this.source.addEventListener("over", ({ data }) => this.over(JSON.parse(data).reason));
    for (const form of document.querySelectorAll(".live-acts form")) {
      form.addEventListener("submit", (event) => this.submit(event, form));
    }
    this.clock = setInterval(() => this.tick(), 1_000);
    this.tick();
  }

  state({ muted, keep, turns, errors, flags }) {
    Object.assign(this, { muted });
    byId("turns").textContent = turns;
    byId("errors").textContent = errors;
    byId("flags").textContent = flags;
    byId("private").hidden = keep !== "nothing";
    if (byId("mute") !== null) [byId("mute").hidden, byId("unmute").hidden] = [muted, !muted];
    if (!this.ended) this.show(muted ? "muted" : "live");
  }

  show(state) {
    const texts = { live: gettext("Live"), muted: gettext("Muted by a moderator"), broken: gettext("Connection lost. Trying again…") };
    const text = texts[state] ?? OVER[state];
    byId("dot").dataset.state = state;
    if (byId("state-text").textContent !== text) byId("state-text").textContent = text;
  }

  broken() {
    if (this.ended) return;
    // A refused request closes the source for good; anything else it repeats by itself.
    if (this.source.readyState === EventSource.CLOSED) this.over("not_allowed");
    else this.show("broken");
  }

  over(reason) {
    this.ended = true;
    this.source.close();
    clearInterval(this.clock);
    this.show(reason);
    for (const control of document.querySelectorAll(".live-acts [value=mute], .live-acts [value=unmute], .live-acts [value=end]")) {
      control.disabled = true;
    }
  }

  tick() {
    const seconds = Math.max(0, Math.floor((Date.now() - this.since) / 1000));
    const two = (number) => String(number).padStart(2, "0");
    const hours = Math.floor(seconds / 3600);
    const minutes = Math.floor(seconds / 60) % 60;
    byId("duration").textContent = hours ? `${hours}:${two(minutes)}:${two(seconds % 60)}` : `${minutes}:${two(seconds % 60)}`;
  }

  async submit(event, form) {
    event.preventDefault();
    const data = new FormData(form, event.submitter);
    event.submitter.disabled = true;
    try {
      const answer = await fetch(page.act, { method: "POST", body: data, headers: { Accept: "application/json" } });
      const isJson = answer.headers.get("Content-Type")?.startsWith("application/json");
      this.trouble(answer.ok ? "" : isJson ? (await answer.json()).message : filled(gettext("The server refused (%(status)s)."), answer));
      if (answer.ok) form.reset();
    } catch {
      this.trouble(gettext("The server did not answer. Try again."));
    } finally {
      event.submitter.disabled = this.ended === true && event.submitter.value !== "block" && event.submitter.value !== "flag";
    }
  }

  trouble(message) {
    byId("trouble").textContent = message;
    byId("trouble").hidden = !message;
  }
}

new Watch();
