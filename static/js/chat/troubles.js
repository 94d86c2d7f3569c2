/** What went wrong without ending the session, in the reader's language. What only a program can bring about keeps the server's words. */

import { gettext } from "./words.js";

/** @param {{code: string, message?: string}} error @returns {string} */
export function troubleOf({ code = "", message = "" }) {
  const ofVoice = code.startsWith("speech_");
  const what = code.replace(/^speech_/, "");
  switch (what) {
    case "voice_stopped":
      return gettext("This voice may not be used any more. Another one goes on; choose which in the settings.");
    case "voice_not_usable":
      return gettext("This voice cannot be used now. The usual one speaks; choose another in the settings.");
    case "rate_limit_exceeded":
      return gettext("That was too much at once. Wait a moment, then go on.");
    case "buffer_too_large":
      return gettext("That was longer than can be taken in at once. Say it in smaller parts.");
    case "context_length_exceeded":
      return gettext("That is more than the chat model can keep in mind. Make it shorter, or begin a new conversation.");
    case "too_many_items":
      return gettext("This conversation has become too long to go on. Begin a new one.");
    case "service_text_only":
      return gettext("The machine has no memory left for a voice: the answer is on the screen.");
    case "language_not_spoken":
      return gettext("No voice here speaks this language: the answer is on the screen.");
  }
  if (/^(engine_|timeout$|overloaded$|expired$|empty_answer$)/.test(what)) {
    return ofVoice
      ? gettext("The voice failed: the answer is on the screen. Ask again in a moment.")
      : gettext("The part of AVATAR that thinks did not answer. Ask again in a moment.");
  }
  return message;
}

/** A voice was taken back. @param {{voice: string, reason: string}} taken @returns {string} */
export function takenBack({ voice, reason }) {
  if (voice !== "self") return troubleOf({ code: "voice_stopped" });
  return reason === "redacted"
    ? gettext("What your own voice was made of is gone. It is made anew as you speak.")
    : gettext("You have taken your consent back. Your own voice is not used any more, and what was made of it is gone.");
}
