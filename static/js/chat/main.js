/** The page: what the person does goes to the conversation, what happens there is shown. */

import { Compose } from "./compose.js";
import { Connection } from "./connection.js";
import { Dialogue } from "./dialogue.js";
import { DockView } from "./dock_view.js";
import { conversationToGoOnWith, showEarlier } from "./earlier.js";
import { Keep } from "./keep.js";
import { Lines } from "./lines.js";
import { Machine } from "./machine.js";
import { Meter } from "./meter.js";
import { Microphone } from "./microphone.js";
import { NoticeView } from "./notice_view.js";
import { noticeOf } from "./notices.js";
import { Panel } from "./panel.js";
import { Player } from "./player.js";
import { Recording } from "./recording.js";
import { Replay } from "./replay.js";
import { SelfVoice } from "./self_voice.js";
import { Settings } from "./settings.js";
import { Sounds } from "./sounds.js";
import { TalkKeys } from "./talk_keys.js";
import { TranscriptView } from "./transcript_view.js";

const byId = (id) => document.getElementById(id);
const page = JSON.parse(byId("page").textContent);
const CONVERSATION_KEY = "avatar.conversation";
const GIVEN_UP = new Set(["idle", "waiting", "full", "refused", "forbidden", "ended"]);

class Chat {
  microphoneState = "off";
  muted = false;
  /** What was typed before there was a connection. */
  unsent = [];

  constructor() {
    this.settings = new Settings();
    this.machine = new Machine(page.status);
    this.connection = new Connection(page.socket);
    this.microphone = new Microphone();
    this.player = new Player();
    this.replay = new Replay(this.player);
    this.lines = new Lines();
    this.sounds = new Sounds();
    this.dialogue = new Dialogue({ ...this, recording: new Recording() });
    this.dock = new DockView(byId);
    this.notice = new NoticeView(byId, (text) => this.dock.announce(text));
    this.meter = new Meter(byId("meter"));
    this.keys = new TalkKeys(byId("hold"), () => !byId("hold").hidden);
    new Keep({ ...this, byId, standard: page.keep.standard, announce: (text) => this.dock.announce(text) });
    new Panel({ byId, settings: this.settings, machine: this.machine });
    new SelfVoice({ ...this, byId, announce: (text) => this.dock.announce(text) });
    new TranscriptView({ ...this, scroller: byId("transcript"), list: byId("lines"), welcome: byId("welcome") });
    this.listen();
    this.connection.conversation = { id: conversationToGoOnWith(), sequence: 0 };
    void showEarlier(page.lines, this.connection, this.lines);
    void this.machine.watch();
    this.draw();
  }

  listen() {
    const { connection, dialogue, microphone, player, replay, keys } = this;
    connection.addEventListener("state", () => this.linkChanged());
    connection.addEventListener("event", ({ detail }) => this.keepConversation(detail));
    dialogue.addEventListener("change", () => this.draw());
    dialogue.addEventListener("latency", ({ detail }) => this.dock.showLatency(detail));
    dialogue.addEventListener("machine", ({ detail }) => this.machine.show(detail));
    dialogue.addEventListener("trouble", ({ detail }) => this.trouble(detail));
    dialogue.addEventListener("voice-stopped", ({ detail }) => this.voiceStopped(detail));
    dialogue.addEventListener("refused", ({ detail }) => this.takeBack([detail]));
    dialogue.addEventListener("written", ({ detail }) => this.dock.announceAnswer(detail));
    this.machine.addEventListener("change", () => this.draw());
    this.settings.addEventListener("change", ({ detail }) => this.settingChanged(detail.name));
    microphone.addEventListener("piece", ({ detail }) => this.captured(detail));
    microphone.addEventListener("lost", () => this.microphoneIs("lost"));
    player.addEventListener("progress", ({ detail }) => this.meter.show(detail.rms, "answer"));
    player.addEventListener("started", () => replay.stop());
    replay.addEventListener("change", () => this.applyMute());
    keys.addEventListener("press", () => dialogue.press());
    keys.addEventListener("release", () => dialogue.release());
    keys.addEventListener("escape", () => this.stop());
    this.notice.addEventListener("action", ({ detail }) => this.act(detail));
    new Compose(byId("compose"), byId("message")).addEventListener("message", ({ detail }) => this.write(detail));
    this.listenToButtons();
    setInterval(() => ["waiting", "full"].includes(connection.state) && this.draw(), 500);
  }

  listenToButtons() {
    byId("start").addEventListener("click", () => this.start());
    byId("mute").addEventListener("click", () => this.mute(!this.muted));
    byId("stop").addEventListener("click", () => this.stop());
    byId("end").addEventListener("click", () => this.end());
    byId("new").addEventListener("click", () => this.begin());
  }

  /** Connects if need be, and asks for the microphone. */
  async start() {
    this.mute(false);
    await this.connect();
    await this.openMicrophone();
  }

  async connect() {
    if (!this.connection.isOpen && !this.connection.isComing) this.connection.open();
    await this.player.start();
  }

  async openMicrophone() {
    this.microphoneIs("asking");
    try {
      await this.microphone.start();
      this.microphoneIs("on");
    } catch (error) {
      if (error.reason === undefined) throw error;
      this.microphoneIs(error.reason);
    }
  }

  async write(text) {
    this.replay.stop();
    await this.player.start();
    if (this.connection.isOpen) {
      await this.dialogue.write(text);
      return;
    }
    this.unsent.push(text);
    if (!this.connection.isComing) this.connection.open();
  }

  async stop() {
    this.replay.stop();
    await this.dialogue.stop();
  }

  /** Hangs up: the place on the server and the microphone are free again; what was said stays to be read. */
  async end() {
    await this.stop();
    this.connection.close();
    this.microphone.stop();
    this.microphoneIs("off");
  }

  /** A new conversation; whoever was talking goes on talking in it. */
  async begin() {
    const talking = this.connection.state !== "idle";
    await this.stop();
    this.connection.close();
    this.connection.conversation = { id: "", sequence: 0 };
    sessionStorage.removeItem(CONVERSATION_KEY);
    this.lines.clear();
    this.sounds.clear();
    this.dock.forgetLatency();
    if (talking) this.connection.open();
  }

  act(action) {
    const actions = {
      retry: () => this.connection.open(),
      end: () => this.end(),
      leave: () => this.end(),
      resume: () => (this.spokeBefore ? this.start() : this.connect()),
      "sign-in": () => location.assign(page.signIn),
      microphone: () => this.start(),
      type: () => {
        this.microphoneIs("off");
        byId("message").focus();
      },
    };
    return actions[action]();
  }

  async linkChanged() {
    if (!this.connection.isOpen) this.trouble("");
    if (GIVEN_UP.has(this.connection.state)) this.takeBack(this.unsent.splice(0));
    if (this.connection.isOpen) for (const text of this.unsent.splice(0)) await this.dialogue.write(text);
    if (this.connection.state === "ended" || this.connection.state === "forbidden") {
      this.spokeBefore = this.microphone.open;
      this.microphone.stop();
      this.microphoneState = "off";
    }
    this.draw();
  }

  /** What could not be said stands in the message box again, before what is being typed there. */
  takeBack(texts) {
    const box = byId("message");
    box.value = [...texts, box.value].filter((text) => text).join("\n");
  }

  keepConversation(event) {
    if (event.type === "avatar.conversation") sessionStorage.setItem(CONVERSATION_KEY, event.conversation_id);
  }

  captured({ pcm, rms }) {
    if (this.connection.isOpen && !this.dialogue.speaking) this.meter.show(rms, "microphone");
    this.dialogue.utterance.piece(pcm, this.dialogue.handsFree);
  }

  mute(muted) {
    this.muted = muted;
    this.applyMute();
    this.draw();
  }

  /** What is heard again is not said again: the microphone is silent meanwhile. */
  applyMute() {
    this.microphone.muted = this.muted || this.replay.line !== null;
  }

  microphoneIs(state) {
    this.microphoneState = state;
    this.draw();
  }

  settingChanged(name) {
    if (name === "keep") return; // no matter of the session's: `Keep` tells the server
    if (name === "mode") this.mute(false);
    this.dialogue.configure();
    this.draw();
  }

  /** A voice that is gone is chosen no longer, and offered no longer. */
  voiceStopped(voice) {
    if (this.settings.get("voice") === voice) this.settings.set("voice", "");
    void this.machine.watch();
  }

  /** What went wrong without ending the session; when the session ends, a notice says why. */
  trouble(message) {
    if (message && !this.connection.isOpen) return;
    byId("trouble").textContent = message;
    byId("trouble").hidden = !message;
    clearTimeout(this.troubleOver);
    this.troubleOver = setTimeout(() => (byId("trouble").hidden = true), 8_000);
  }

  draw() {
    const { connection, dialogue, machine } = this;
    const facts = {
      link: connection.state,
      reason: connection.reason,
      retryAt: connection.retryAt,
      queue: connection.queue,
      moderated: connection.moderated,
      microphone: this.microphoneState,
      muted: this.muted,
      machine,
      service: dialogue.service,
      quality: this.settings.get("quality"),
      handsFree: dialogue.handsFree,
      held: dialogue.utterance.held,
      hearing: dialogue.hearing,
      thinking: dialogue.thinking,
      speaking: dialogue.speaking,
    };
    this.dock.draw(facts);
    this.notice.draw(noticeOf(facts));
  }
}

new Chat();
