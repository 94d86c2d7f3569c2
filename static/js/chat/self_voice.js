/**
 * Being answered in one's own voice: off until the person has agreed to it, for this conversation alone.
 *
 * The server's word counts: the box is ticked only once the server has said that it is on.
 */

import * as requests from "./requests.js";
import { filled, gettext } from "./words.js";

const seconds = new Intl.NumberFormat(document.documentElement.lang, { maximumFractionDigits: 1, minimumFractionDigits: 1 });

export class SelfVoice {
  /** `avatar.self_voice.updated` as it came last, or null. */
  told = null;

  constructor({ byId, connection, machine, announce }) {
    Object.assign(this, { byId, connection, machine, announce });
    this.box = byId("self-voice");
    this.dialog = byId("self-voice-dialog");
    this.box.addEventListener("change", () => this.changed());
    this.dialog.addEventListener("close", () => this.answered());
    connection.addEventListener("event", ({ detail }) => detail.type === "avatar.self_voice.updated" && this.hear(detail));
    connection.addEventListener("state", () => this.linked());
    machine.addEventListener("change", () => this.draw());
    this.draw();
  }

  changed() {
    const wanted = this.box.checked;
    this.draw();
    if (!wanted) this.connection.send(requests.selfVoice(false));
    else {
      this.dialog.returnValue = "";
      this.dialog.showModal();
    }
  }

  answered() {
    if (this.dialog.returnValue === "agree") this.connection.send(requests.selfVoice(true));
    this.box.focus();
  }

  hear(event) {
    const before = this.words;
    this.told = event;
    this.draw();
    if (this.words !== before) this.announce(this.words);
  }

  linked() {
    if (!this.connection.isOpen) this.told = null; // it was for that conversation, while it was connected
    this.draw();
  }

  get on() {
    return ["collecting", "ready"].includes(this.told?.state);
  }

  get words() {
    if (!this.connection.isOpen) return gettext("Start a conversation first: your voice is taken from what you say in it.");
    if (this.told?.state === "refused") return this.told.message;
    if (!this.on) return gettext("Off. It asks you first, and is forgotten with the conversation.");
    if (this.told.state === "ready") return gettext("On: answers come in your voice.");
    const { speech_s: heard, needed_s: needed } = this.told;
    return filled(gettext("Listening to your voice: %(heard)s of %(needed)s s"), { heard: seconds.format(heard), needed: seconds.format(needed) });
  }

  draw() {
    this.byId("self-voice-choice").hidden = !this.machine.clones;
    this.box.disabled = !this.connection.isOpen;
    this.box.checked = this.on;
    this.byId("self-voice-now").textContent = this.words;
  }
}
