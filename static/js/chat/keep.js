/**
 * What is kept of what the person says: the choice, what holds now, and the sign of a private conversation.
 *
 * While connected the server's word counts: the page says "private" only once the server has said so.
 */

import * as requests from "./requests.js";
import { gettext } from "./words.js";

const NOW = {
  sound: gettext("Sound and words are kept"),
  text: gettext("Words are kept, sound is not"),
  nothing: gettext("Private: nothing is kept"),
};

export class Keep {
  /** What the server said of this conversation; "" while there is no connection. */
  told = "";

  constructor({ byId, settings, connection, standard, announce }) {
    Object.assign(this, { byId, settings, connection, standard, announce });
    this.details = byId("keep");
    this.radios = [...document.querySelectorAll('input[name="keep"]')];
    for (const radio of this.radios) radio.addEventListener("change", () => this.choose(radio.value));
    settings.addEventListener("change", ({ detail }) => detail.name === "keep" && this.chosen());
    connection.addEventListener("event", ({ detail }) => this.hear(detail));
    connection.addEventListener("state", () => this.linked());
    this.details.addEventListener("keydown", (event) => this.key(event));
    document.addEventListener("pointerdown", ({ target }) => this.pointed(target));
    connection.keep = settings.get("keep");
    this.draw();
  }

  /** What holds now. */
  get now() {
    return this.told || this.settings.get("keep") || this.standard;
  }

  choose(keep) {
    this.settings.set("keep", keep);
    if (this.byPointer) this.close(); // with the arrow keys one passes through the others
  }

  chosen() {
    this.connection.keep = this.settings.get("keep");
    this.connection.send(requests.keep(this.connection.keep));
    this.draw();
  }

  hear(event) {
    if (event.type !== "avatar.conversation" && event.type !== "avatar.keep.updated") return;
    this.told = event.keep ?? "";
    this.draw();
  }

  linked() {
    if (!this.connection.isOpen) this.told = "";
    // Chosen while the connection was being made: it did not go along with the address.
    else if (this.connection.keep && this.told && this.told !== this.connection.keep) this.chosen();
    this.draw();
  }

  pointed(target) {
    this.byPointer = this.details.contains(target);
    if (!this.byPointer) this.close();
  }

  key(event) {
    this.byPointer = false;
    if (event.key !== "Escape" || !this.details.open) return;
    event.stopPropagation(); // elsewhere Escape stops an answer
    this.close();
    this.details.querySelector("summary").focus();
  }

  close() {
    this.details.open = false;
  }

  draw() {
    const { byId, now } = this;
    for (const radio of this.radios) radio.checked = radio.value === (this.connection.keep || now);
    if (this.details.dataset.keep === now) return;
    const before = this.details.dataset.keep;
    this.details.dataset.keep = now;
    byId("keep-now").textContent = NOW[now];
    byId("private").hidden = now !== "nothing";
    if (before !== undefined) this.announce(NOW[now]);
  }
}
