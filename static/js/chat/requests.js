/** The client events of the Realtime protocol that this page sends. */

import { RATE, toBase64 } from "./pcm.js";

/** Names events whose refusal only says that two things crossed on the way, such as the end of an answer and a stop. */
export const QUIET = "quiet";

const FORMAT = { type: "audio/pcm", rate: RATE };

/** `session.update` for what the person chose; hands-free leaves the end of a turn to the server. */
export function sessionUpdate({ mode, language, voice, quality, aloud }) {
  const turns = mode === "push-to-talk" ? null : { type: "server_vad", create_response: true, interrupt_response: true };
  const output = { format: FORMAT, voice: voice || null };
  return {
    type: "session.update",
    session: {
      type: "realtime",
      output_modalities: [aloud ? "audio" : "text"],
      audio: { input: { format: FORMAT, transcription: { language: language || null }, turn_detection: turns }, output },
      avatar: { quality },
    },
  };
}

/** What is kept of what is said from now on. */
export const keep = (choice) => ({ type: "avatar.keep.update", keep: choice });

/** Whether the person agrees to be answered in their own voice, taken from this conversation. */
export const selfVoice = (consent) => ({ type: "avatar.self_voice.update", consent });

export const append = (pcm) => ({ type: "input_audio_buffer.append", audio: toBase64(pcm) });
export const commit = () => ({ type: "input_audio_buffer.commit" });
export const clear = () => ({ type: "input_audio_buffer.clear" });
export const respond = () => ({ type: "response.create" });
export const cancel = (responseId) => ({ type: "response.cancel", event_id: QUIET, response_id: responseId });

/** What was not heard leaves the conversation. */
export const truncate = (itemId, heardMs) => ({
  type: "conversation.item.truncate",
  event_id: QUIET,
  item_id: itemId,
  content_index: 0,
  audio_end_ms: Math.max(0, Math.floor(heardMs)),
});

/** A refusal names it by the item's id. */
export const message = (itemId, text) => ({
  type: "conversation.item.create",
  event_id: itemId,
  item: { id: itemId, type: "message", role: "user", content: [{ type: "input_text", text }] },
});

/** An id of the protocol's form that nobody else makes. */
export function newItemId() {
  const bytes = [...crypto.getRandomValues(new Uint8Array(12))];
  return `item_${bytes.map((byte) => byte.toString(16).padStart(2, "0")).join("")}`;
}
