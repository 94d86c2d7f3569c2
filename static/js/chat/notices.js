/** What the page says when it cannot simply go on: what happened, what it means, what to do. */

import { filled, gettext } from "./words.js";

/**
 * @param {{link: string, reason: string, retryAt: number, queue: object|null,
 *          moderated: boolean, microphone: string, service: string, quality: string, machine: import("./machine.js").Machine}} facts
 * @returns {{name: string, title: string, advice: string, actions: string[], progress?: number|null}|null}
 */
export function noticeOf(facts) {
  return (
    linkNotice(facts) ??
    moderatedNotice(facts) ??
    microphoneNotice(facts.microphone) ??
    machineNotice(facts.machine) ??
    serviceNotice(facts.service) ??
    fineNotice(facts)
  );
}

function linkNotice({ link, reason, retryAt, queue }) {
  const wait = Math.max(0, Math.ceil((retryAt - Date.now()) / 1000));
  switch (link) {
    case "waiting":
      return {
        name: "waiting",
        title: gettext("The connection was lost"),
        advice: filled(gettext("Trying again in %(wait)s s. The conversation goes on where it was."), { wait }),
        actions: ["retry", "end"],
      };
    case "queued":
      return {
        name: "queued",
        title: filled(gettext("You are number %(position)s in line"), { position: queue.position }),
        advice: [gettext("Every place is taken. You come in by yourself as soon as one is free."), waitOf(queue)].join(" ").trim(),
        actions: ["leave"],
      };
    case "full":
      return {
        name: "full",
        title: gettext("The server is full"),
        advice: filled(gettext("Everybody's place is taken at the moment. Trying again in %(wait)s s."), { wait }),
        actions: ["retry", "end"],
      };
    case "refused":
      return {
        name: "refused",
        title: gettext("You need to sign in"),
        advice: gettext("This server does not know who you are any more. Sign in and come back; your conversation is kept."),
        actions: ["sign-in"],
      };
    case "forbidden":
      return {
        name: "forbidden",
        title: gettext("A moderator ended this conversation"),
        advice: gettext("What was said is kept. If you think this was a mistake, ask who runs this server."),
        actions: ["resume"],
      };
    case "ended":
      return {
        name: "ended",
        title: reason === "session_idle" ? gettext("It was quiet for a while") : gettext("The server ended this session"),
        advice: gettext("Your place was given free. The conversation is kept: go on whenever you like."),
        actions: ["resume"],
      };
    default:
      return null;
  }
}

/** @returns {string} how long the wait in line may be, or "" */
function waitOf({ expected_s: expected }) {
  if (typeof expected !== "number") return "";
  if (expected < 90) return filled(gettext("That may take about %(wait)s s."), { wait: Math.max(1, Math.round(expected)) });
  return filled(gettext("That may take about %(wait)s minutes."), { wait: Math.round(expected / 60) });
}

function moderatedNotice({ moderated }) {
  if (!moderated) return null;
  return {
    name: "moderated",
    title: gettext("A moderator has muted you"),
    advice: gettext("You are not heard at the moment, and nothing is answered. Wait until you are let speak again, or ask who runs this server."),
    actions: [],
  };
}

const MICROPHONE = {
  insecure: {
    title: gettext("The browser keeps the microphone closed here"),
    advice: gettext("Microphones open only on https:// pages and on this machine itself (http://localhost). You can type meanwhile."),
    actions: ["type"],
  },
  refused: {
    title: gettext("The microphone was refused"),
    advice: gettext("Allow it for this site in the browser's address bar, then try again. You can type meanwhile."),
    actions: ["microphone", "type"],
  },
  missing: {
    title: gettext("No microphone was found"),
    advice: gettext("Plug one in or switch it on, then try again. You can type meanwhile."),
    actions: ["microphone", "type"],
  },
  busy: {
    title: gettext("The microphone does not answer"),
    advice: gettext("Another program may be holding it. Close that, then try again. You can type meanwhile."),
    actions: ["microphone", "type"],
  },
  lost: {
    title: gettext("The microphone has gone"),
    advice: gettext("It was unplugged or switched off. Try again when it is back. You can type meanwhile."),
    actions: ["microphone", "type"],
  },
};

function microphoneNotice(state) {
  return state in MICROPHONE ? { name: `microphone-${state}`, ...MICROPHONE[state] } : null;
}

function machineNotice(machine) {
  if (!machine.known || machine.ready) return null;
  if (machine.failure) {
    return {
      name: "failed",
      title: gettext("A model could not be loaded"),
      advice: machine.failure,
      actions: [],
    };
  }
  if (machine.engines.length === 0) {
    return {
      name: "away",
      title: gettext("The engines do not answer"),
      advice: gettext("The part of AVATAR that hears, thinks and speaks is starting, or has stopped. The page goes on by itself once it is there."),
      actions: [],
    };
  }
  const loading = machine.engines.filter((engine) => engine.state === "loading").map((engine) => engine.model);
  return {
    name: "warming",
    title: gettext("The models are warming up"),
    advice: filled(gettext("This takes a few seconds after a start: %(models)s"), { models: loading.join(", ") }),
    progress: machine.progress,
    actions: [],
  };
}

const REDUCED = {
  no_fine: {
    title: gettext("The fine voice is resting"),
    advice: gettext("The server is short of memory, so answers come in the fast voice. The fine one comes back by itself."),
  },
  no_clones: {
    title: gettext("Borrowed voices are resting"),
    advice: gettext("The server is short of memory, so one of its own voices speaks. The voice you chose comes back by itself."),
  },
  text_only: {
    title: gettext("Answers are written only, for now"),
    advice: gettext("The server is too short of memory to speak. You can go on talking; sound comes back by itself."),
  },
};

/** The server has less memory than everything needs: what it gave up, in the order in which it gives up. */
function serviceNotice(level) {
  return level in REDUCED ? { name: "reduced", ...REDUCED[level], actions: [] } : null;
}

/** The fine engine is loaded when somebody first asks for it. */
function fineNotice({ quality, machine }) {
  const loading = quality === "fine" && machine.fine && machine.engines.some(({ kind, state }) => kind === "tts" && state === "loading");
  if (!loading) return null;
  return {
    name: "warming",
    title: gettext("The fine voice is being loaded"),
    advice: gettext("Until it is ready, answers come in the fast voice."),
    progress: machine.progress,
    actions: [],
  };
}

/** What the buttons of a notice say. */
export const ACTIONS = {
  retry: gettext("Try now"),
  end: gettext("Stop trying"),
  leave: gettext("Leave the line"),
  "sign-in": gettext("Sign in"),
  resume: gettext("Go on"),
  microphone: gettext("Try again"),
  type: gettext("Type instead"),
};
