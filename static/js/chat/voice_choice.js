/** Whose voice answers: the server's own voices and those of people, and whether it takes its time for it. */

import { filled, gettext } from "./words.js";

export class VoiceChoice {
  constructor({ byId, settings, machine }) {
    Object.assign(this, { byId, settings, machine });
    this.radios = [...document.querySelectorAll('input[name="quality"]')];
    for (const radio of this.radios) radio.addEventListener("change", () => settings.set("quality", radio.value));
    byId("voice").addEventListener("change", ({ target }) => settings.set("voice", target.value));
  }

  draw() {
    const { byId, machine, settings } = this;
    const language = settings.get("language");
    const select = byId("voice");
    select.disabled = !settings.get("aloud");
    const borrowed = machine.profilesFor(language).map(({ id, name, own }) => this.borrowed(id, name, own));
    const presets = machine.voicesFor(language).map((voice) => new Option(`${voice.name} (${voice.languages.join(", ")})`, voice.id));
    const grouped = borrowed.length > 0;
    select.replaceChildren(
      new Option(gettext("The server's choice"), ""),
      ...(grouped ? [group(machine.clones ? gettext("Voices of people") : gettext("Voices of people: no engine here can speak in them"), borrowed)] : []),
      ...(grouped ? [group(gettext("Voices of this server"), presets)] : presets),
    );
    select.value = settings.get("voice");
    if (select.selectedIndex < 0) select.value = ""; // a voice of another language, or one that is gone
    byId("quality").hidden = !machine.fine;
    for (const radio of this.radios) {
      radio.checked = radio.value === settings.get("quality");
      radio.disabled = !settings.get("aloud");
    }
  }

  borrowed(id, name, own) {
    const option = new Option(own ? name : filled(gettext("%(name)s (shared)"), { name }), id);
    option.disabled = !this.machine.clones;
    return option;
  }
}

function group(label, options) {
  const element = document.createElement("optgroup");
  element.label = label;
  element.append(...options);
  return element;
}
