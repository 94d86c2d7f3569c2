/** What was said before in the conversation that the page goes on with, over HTTP: reading takes no place. */

const KEY = "avatar.conversation";
const IS_ID = /^[0-9a-f-]{36}$/;
const CUT_AT_ITS_END = Infinity;

/** The conversation that the address names (once: a reload goes on with what came since), else that of this tab. */
export function conversationToGoOnWith() {
  const asked = new URLSearchParams(location.search).get("conversation");
  if (asked === null) return sessionStorage.getItem(KEY) ?? "";
  sessionStorage.setItem(KEY, asked);
  history.replaceState(null, "", location.pathname);
  return asked;
}

/**
 * Shows the lines of the connection's conversation. The socket then tells what came later; it tells all when these
 * could not be had.
 *
 * @param {string} path address of the lines, `ID` standing for the conversation
 */
export async function showEarlier(path, connection, lines) {
  const { id } = connection.conversation;
  const earlier = IS_ID.test(id) && (await asked(path.replace("ID", id)));
  if (!earlier || connection.conversation.id !== id) return;
  for (const said of earlier.lines) add(lines, said);
  if (connection.state === "idle") connection.conversation.sequence = earlier.sequence;
}

async function asked(url) {
  try {
    const answer = await fetch(url, { headers: { Accept: "application/json" }, redirect: "error" });
    return answer.ok ? await answer.json() : null;
  } catch {
    return null; // the server is away, or wants a sign-in: the socket says so
  }
}

function add(lines, { id, role, text, at, complete, recording }) {
  const line = lines.open(id, role, new Date(at));
  if (line.text) return;
  line.text = text;
  line.final = true;
  line.recording = recording;
  if (!complete) line.cutMs = CUT_AT_ITS_END;
  lines.changed(line);
}
