/**
 * The machine behind the page: which models are ready, which voices and languages there are, what is missing.
 *
 * Events: `change`.
 */

const WHILE_WARMING_MS = 1_500;
const WHEN_READY_MS = 60_000;

export class Machine extends EventTarget {
  /** False until the server has said anything. */
  known = false;
  ready = false;
  engines = [];
  voices = [];
  /** Voices of people that this person may use: {id, name, language}. */
  profiles = [];
  /** Whether something here can speak in a borrowed voice, and whether it can take its time for it. */
  clones = false;
  fine = false;
  /** Models that could be pulled: {kind, model, languages}. */
  offers = [];
  smallChatModel = false;

  constructor(url) {
    super();
    this.url = url;
    document.addEventListener("visibilitychange", () => !document.hidden && this.watch());
  }

  /** Asks now, and again as long as the page is seen: often while models warm up, seldom afterwards. */
  async watch() {
    clearTimeout(this.timer);
    await this.ask();
    if (!document.hidden) this.timer = setTimeout(() => this.watch(), this.ready ? WHEN_READY_MS : WHILE_WARMING_MS);
  }

  async ask() {
    try {
      const answer = await fetch(this.url, { headers: { Accept: "application/json" }, redirect: "error" });
      if (answer.ok) this.take(await answer.json());
    } catch {
      // The server is away, or wants a sign-in: the socket says so, and the next round asks again.
    }
  }

  take({ host, small_chat_model: small, offers, profiles, clones, fine }) {
    Object.assign(this, { offers, smallChatModel: small, profiles: profiles ?? [], clones: clones ?? false, fine: fine ?? false });
    this.show(host ?? { ready: false, engines: [] });
  }

  /** @param {object} host the engine host's state, from the page's own question or from the socket */
  show({ ready, engines, voices }) {
    this.known = true;
    this.ready = ready;
    this.engines = engines;
    this.voices = voices ?? this.voices;
    this.dispatchEvent(new Event("change"));
  }

  /** 0..1 over the engines that are loading, null when none of them knows. */
  get progress() {
    const loading = this.engines.filter((engine) => engine.state === "loading");
    const told = loading.filter((engine) => engine.progress !== null && engine.progress !== undefined);
    return told.length > 0 ? told.reduce((sum, engine) => sum + engine.progress, 0) / told.length : null;
  }

  /** What went wrong with an engine, in words, or "". */
  get failure() {
    return this.engines.find((engine) => engine.state === "failed")?.detail ?? "";
  }

  profilesFor(language) {
    return language ? this.profiles.filter((profile) => !profile.language || speaks([profile.language], language)) : this.profiles;
  }

  voicesFor(language) {
    return language ? this.voices.filter((voice) => speaks(voice.languages, language)) : this.voices;
  }

  /** @returns {{kind: string, model: string|null}[]} what a language lacks here, and the model that would bring it */
  missingFor(language) {
    if (!language || !this.ready) return [];
    const kinds = ["stt", "chat", "tts"].filter((kind) => !this.has(kind, language));
    return kinds.map((kind) => {
      const offer = this.offers.find((each) => each.kind === kind && speaks(each.languages, language));
      return { kind, model: offer?.model ?? null };
    });
  }

  has(kind, language) {
    if (kind === "tts") return this.voicesFor(language).length > 0;
    const engines = this.engines.filter((engine) => engine.kind === kind && engine.state !== "absent");
    return engines.some(({ languages }) => !languages?.length || speaks(languages, language));
  }
}

/** Whether one of those tags covers the language: `zh` covers `zh-TW`. */
function speaks(tags, language) {
  return tags.some((tag) => tag.split("-")[0].toLowerCase() === language.split("-")[0].toLowerCase());
}
