/** In which state the conversation is, for the person: one word, from all there is to know. */

import { gettext } from "./words.js";

/**
 * @param {{link: string, microphone: string, muted: boolean, handsFree: boolean,
 *          hearing: boolean, thinking: boolean, speaking: boolean}} facts
 * @returns {string} a key of `STATES`
 */
export function stateOf(facts) {
  if (facts.speaking && !facts.hearing) return "speaking";
  if (facts.link !== "open") return facts.link;
  if (facts.microphone === "asking") return "asking";
  if (facts.hearing) return "hearing";
  if (facts.thinking) return "thinking";
  if (facts.microphone !== "on") return "typing";
  if (!facts.handsFree) return "holding";
  return facts.muted ? "muted" : "listening";
}

/** What each state is called. */
export const STATES = {
  idle: gettext("Ready when you are"),
  connecting: gettext("Connecting…"),
  asking: gettext("Waiting for the microphone…"),
  listening: gettext("Listening"),
  hearing: gettext("Hearing you"),
  thinking: gettext("Thinking"),
  speaking: gettext("Speaking"),
  muted: gettext("Muted"),
  typing: gettext("Connected without a microphone"),
  holding: gettext("Hold to talk"),
  queued: gettext("Waiting for a place"),
  waiting: gettext("Connection lost"),
  full: gettext("The server is full"),
  refused: gettext("Not signed in"),
  forbidden: gettext("Ended by a moderator"),
  ended: gettext("The conversation has paused"),
};
