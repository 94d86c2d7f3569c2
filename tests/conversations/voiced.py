"""Talking in a voice that was chosen: what is said, and the sound of it."""

import base64

from tests.conversations.talker import Talker

OTHER = "0198a000-0000-7000-8000-0000000000ff"
TWO = "It is good to see you. How are you doing today?"
LONG = "The first sentence is a long one. The second sentence is even longer than that. And then a third follows."


async def choose(t: Talker, voice: str) -> str:
    """The voice that the session says it has then."""
    t.configure(audio={"output": {"voice": voice}})
    updated = await t.until("session.updated")
    return str(updated["session"]["audio"]["output"]["voice"])


async def ask(t: Talker, text: str = "Hi.", **response: object) -> None:
    t.write(text)
    t.say("response.create", response=response)


def sound(t: Talker) -> bytes:
    return b"".join(base64.b64decode(e["delta"]) for e in t.seen if e["type"] == "response.output_audio.delta")
