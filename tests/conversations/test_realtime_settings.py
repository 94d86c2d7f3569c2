"""A session's settings: taken whole or not at all, changed only where they are named, and told as they are used."""

import pytest

from conversations.realtime.opening import Wish
from tests.conversations.talker import talking


@pytest.mark.parametrize(
    ("session", "param"),
    [
        ({"output_modalities": ["text", "audio"]}, "session.output_modalities"),
        ({"output_modalities": ["video"]}, "session.output_modalities[0]"),
        ({"audio": {"output": {"speed": 9}}}, "session.audio.output.speed"),
        ({"audio": {"input": {"format": {"type": "audio/pcmu"}}}}, "session.audio.input.format.type"),
        ({"audio": {"input": {"format": {"type": "audio/pcm", "rate": 16000}}}}, "session.audio.input.format.rate"),
        ({"audio": {"input": {"turn_detection": {"type": "magic"}}}}, "session.audio.input.turn_detection.type"),
        (
            {"audio": {"input": {"turn_detection": {"type": "server_vad", "threshold": 7}}}},
            "session.audio.input.turn_detection.threshold",
        ),
        ({"tools": [{"type": "function"}]}, "session.tools[0]"),
        ({"tool_choice": "sometimes"}, "session.tool_choice"),
        ({"type": "transcription"}, "session.type"),
    ],
)
async def test_a_session_update_is_taken_whole_or_not_at_all(session: dict[str, object], param: str) -> None:
    async with talking() as t:
        t.say("session.update", event_id="u", session={"instructions": "Changed.", **session})
        error = (await t.until("error"))["error"]
        assert (error["param"], error["event_id"]) == (param, "u")
        t.configure()
        assert (await t.until("session.updated"))["session"]["instructions"] == ""


async def test_a_session_update_changes_only_what_it_names() -> None:
    async with talking() as t:
        t.configure(
            instructions="One.",
            audio={"input": {"turn_detection": {"type": "server_vad", "threshold": 0.7}}, "output": {"speed": 1.2}},
        )
        t.configure(audio={"output": {"voice": "bert"}})
        await t.until("session.updated")
        session = (await t.until("session.updated"))["session"]
        assert session["instructions"] == "One."
        assert session["audio"]["input"]["turn_detection"]["threshold"] == 0.7
        assert session["audio"]["output"]["speed"] == 1.2
        assert session["audio"]["output"]["voice"] == "bert"


async def test_null_turns_off() -> None:
    async with talking() as t:
        t.configure(audio={"input": {"turn_detection": None, "transcription": None}}, instructions=None, tools=None)
        session = (await t.until("session.updated"))["session"]
        assert session["audio"]["input"]["turn_detection"] is None
        assert session["audio"]["input"]["transcription"] is None
        assert (session["instructions"], session["tools"]) == ("", [])


async def test_semantic_vad_inherits_nothing_from_server_vad() -> None:
    async with talking() as t:
        t.configure(audio={"input": {"turn_detection": {"type": "server_vad", "create_response": False}}})
        t.configure(audio={"input": {"turn_detection": {"type": "semantic_vad", "eagerness": "low"}}})
        await t.until("session.updated")
        detection = (await t.until("session.updated"))["session"]["audio"]["input"]["turn_detection"]
        assert detection == {
            "type": "semantic_vad",
            "eagerness": "low",
            "create_response": True,
            "interrupt_response": True,
        }


async def test_unknown_names_mean_the_default_and_the_session_says_which() -> None:
    async with talking(wish=Wish(owner_id="a", model="gpt-realtime")) as t:
        created = t.last("session.created")["session"]
        assert created["model"] == "fake-chat"
        assert created["audio"]["output"]["voice"] == "anna"
        t.configure(model="gpt-9", audio={"output": {"voice": "marin"}})
        updated = (await t.until("session.updated"))["session"]
        assert updated["model"] == "fake-chat"
        assert updated["audio"]["output"]["voice"] == "anna"


async def test_the_voice_follows_the_language() -> None:
    async with talking() as t:
        t.configure(audio={"input": {"transcription": {"language": "zh-TW"}}, "output": {"voice": {"id": "bert"}}})
        assert (await t.until("session.updated"))["session"]["audio"]["output"]["voice"] == "mei"
