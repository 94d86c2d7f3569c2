/** The settings: how to talk, in which language, with which voice; and what is missing for that. */

import { VoiceChoice } from "./voice_choice.js";
import { filled, gettext } from "./words.js";

const LACKS = {
  stt: gettext("No model here understands %(language)s."),
  chat: gettext("The chat model here does not speak %(language)s well."),
  tts: gettext("No voice here speaks %(language)s."),
};
const KINDS = { stt: gettext("Hears"), chat: gettext("Thinks"), tts: gettext("Speaks"), turn: gettext("Takes turns"), speaker: gettext("Knows voices"), watermark: gettext("Marks cloned voices") };
const ENGINE_STATES = {
  absent: gettext("not here"),
  unloaded: gettext("loaded when it is needed"),
  loading: gettext("warming up"),
  ready: gettext("ready"),
  failed: gettext("failed"),
};

export class Panel {
  constructor({ byId, settings, machine }) {
    Object.assign(this, { byId, settings, machine });
    this.voices = new VoiceChoice({ byId, settings, machine });
    this.toggle = byId("panel-toggle");
    this.toggle.addEventListener("click", () => this.show(!this.isOpen));
    byId("panel-close").addEventListener("click", () => this.show(false));
    byId("panel").addEventListener("keydown", ({ key }) => key === "Escape" && this.show(false));
    this.bind();
    machine.addEventListener("change", () => this.draw());
    settings.addEventListener("change", () => this.draw());
    this.draw();
  }

  get isOpen() {
    return this.toggle.getAttribute("aria-expanded") === "true";
  }

  show(open) {
    if (open === this.isOpen) return;
    this.toggle.setAttribute("aria-expanded", String(open));
    this.byId("panel").classList.toggle("open", open);
    (open ? this.byId("panel-close") : this.toggle).focus();
  }

  bind() {
    const { byId, settings } = this;
    for (const radio of document.querySelectorAll('input[name="mode"]')) {
      radio.addEventListener("change", () => settings.set("mode", radio.value));
    }
    byId("language").addEventListener("change", ({ target }) => settings.set("language", target.value));
    byId("aloud").addEventListener("change", ({ target }) => settings.set("aloud", target.checked));
  }

  draw() {
    const { byId, settings } = this;
    for (const radio of document.querySelectorAll('input[name="mode"]')) radio.checked = radio.value === settings.get("mode");
    byId("language").value = settings.get("language");
    byId("aloud").checked = settings.get("aloud");
    this.voices.draw();
    this.drawMissing();
    this.drawMachine();
    byId("small-model").hidden = byId("small-model-note").hidden = !this.machine.smallChatModel;
  }

  drawMissing() {
    const missing = this.machine.missingFor(this.settings.get("language"));
    const chosen = this.byId("language").selectedOptions[0];
    const commands = [...new Set(missing.flatMap(({ model }) => (model ? [`python manage.py models pull ${model}`] : [])))];
    this.byId("missing").hidden = missing.length === 0;
    this.byId("missing-words").textContent = missing
      .map(({ kind }) => filled(LACKS[kind], { language: chosen?.textContent ?? "" }))
      .concat(commands.length > 0 ? [gettext("On the server, run:")] : [])
      .join("\n");
    this.byId("missing-command").hidden = commands.length === 0;
    this.byId("missing-command").textContent = commands.join("\n");
  }

  drawMachine() {
    const rows = this.machine.engines.flatMap(({ kind, model, state, progress }) => {
      const term = document.createElement("dt");
      term.textContent = KINDS[kind] ?? kind;
      const value = document.createElement("dd");
      value.dataset.state = state;
      const share = state === "loading" && typeof progress === "number" ? ` ${Math.round(progress * 100)} %` : "";
      value.textContent = `${model}, ${ENGINE_STATES[state] ?? state}${share}`;
      return [term, value];
    });
    this.byId("machine").replaceChildren(...rows);
  }
}
