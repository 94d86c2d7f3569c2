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
    const presets = labelled(homeFirst(machine.voicesFor(language))).map(({ label, id }) => new Option(label, id));
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

/** Those that speak the page's language before the others; otherwise as the server lists them. */
function homeFirst(voices) {
  const home = main(document.documentElement.lang || "en");
  const foreign = ({ languages }) => (languages.some((tag) => main(tag) === home) ? 0 : 1);
  return [...voices].sort((one, other) => foreign(one) - foreign(other));
}

/** A language whatever its script and region: `zh` of `zh-TW`. */
function main(tag) {
  return tag.split("-")[0].toLowerCase();
}

/** Each with the languages it speaks, in the page's words; of two that would be called alike, each with its engine too. */
function labelled(voices) {
  const named = voices.map((voice) => ({ ...voice, facts: spoken(voice.languages) }));
  const twice = ({ name, facts }) => named.filter((one) => one.name === name && one.facts.join() === facts.join()).length > 1;
  return named.map((voice) => {
    const facts = twice(voice) ? [...voice.facts, voice.engine] : voice.facts;
    return { id: voice.id, label: `${voice.name} (${facts.join(", ")})` };
  });
}

/** Languages by name, whatever the region: `zh`, `zh-TW` and `zh-CN` are one. */
function spoken(tags) {
  const names = new Intl.DisplayNames([document.documentElement.lang || "en"], { type: "language" });
  return [...new Set(tags.map((tag) => names.of(main(tag))))];
}

function group(label, options) {
  const element = document.createElement("optgroup");
  element.label = label;
  element.append(...options);
  return element;
}
