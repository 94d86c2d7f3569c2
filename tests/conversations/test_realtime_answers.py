"""Answers over the protocol: order, text and speech, cancelling, answers outside the conversation."""

import base64

from conversations.events import ReplyFinished, ReplyGenerated, ReplyHeard, ReplySpoken, ReplyStarted, UserWrote
from conversations.realtime.context import CHINESE_INSTRUCTIONS, DEFAULT_INSTRUCTIONS
from tests.conversations.talker import talking

SPOKEN_ORDER = [
    "response.created",
    "response.output_item.added",
    "conversation.item.added",
    "response.content_part.added",
    "response.output_audio_transcript.delta",
    "response.output_audio.delta",
    "response.output_audio.done",
    "response.output_audio_transcript.done",
    "response.content_part.done",
    "response.output_item.done",
    "conversation.item.done",
    "response.done",
    "rate_limits.updated",
]


def first_of_each(kinds: list[str]) -> list[str]:
    return list(dict.fromkeys(kinds))


async def test_a_spoken_answer_comes_in_the_protocols_order() -> None:
    async with talking() as t:
        t.write("Hi.")
        t.say("response.create")
        await t.until("rate_limits.updated")
        kinds = t.kinds()
        assert first_of_each(kinds[kinds.index("response.created") :]) == SPOKEN_ORDER
        done = t.last("response.done")["response"]
        assert done["status"] == "completed"
        assert done["output"][0]["content"][0]["transcript"] == "Hello to you. How are you today?"
        assert done["usage"]["total_tokens"] == 27
        assert done["conversation_id"] == "conv_1"


async def test_all_sound_of_an_answer_is_sent_once() -> None:
    async with talking() as t:
        t.write("Hi.")
        t.say("response.create")
        await t.until("response.done")
        sent = sum(len(base64.b64decode(e["delta"])) for e in t.seen if e["type"] == "response.output_audio.delta")
        letters = sum(map(len, t.engines.spoken))
        assert sent == sum(2 * int(len(text) * 0.02 * 24_000) for text in t.engines.spoken)
        assert letters


async def test_the_facts_of_a_typed_turn_are_recorded_in_order_under_one_turn() -> None:
    async with talking() as t:
        t.write("Hi.")
        t.say("response.create")
        await t.until("response.done")
        await t.until("avatar.heard")
    facts = [(turn, fact) for turn, fact in t.record.facts if turn]
    kinds = [type(fact) for _, fact in facts if not type(fact).__name__.startswith("TurnMeasured")]
    assert kinds == [
        UserWrote,
        ReplyStarted,
        ReplySpoken,
        ReplySpoken,
        ReplyGenerated,
        ReplyFinished,
        ReplyHeard,
    ]
    assert len({turn for turn, _ in facts}) == 1
    heard = t.record.of(ReplyHeard)[0]
    assert heard.text == "Hello to you. How are you today?"
    assert heard.complete
    assert heard.source == "playback_clock"
    assert t.record.sounds[heard.audio_id]


async def test_nothing_is_said_before_it_is_durable() -> None:
    async with talking() as t:
        t.record.durable.clear()
        t.write("Hi.")
        t.say("response.create")
        await t.engines.voice.wait()
        before = len(t.seen)
        assert "conversation.item.added" not in t.kinds()
        t.record.durable.set()
        await t.until("conversation.item.added")
        assert len(t.seen) > before


async def test_a_text_answer() -> None:
    async with talking() as t:
        t.configure(output_modalities=["text"])
        t.write("Hi.")
        t.say("response.create")
        done = await t.until("response.done")
        assert "response.output_text.delta" in t.kinds()
        assert "response.output_audio.delta" not in t.kinds()
        assert done["response"]["output"][0]["content"][0]["text"] == "Hello to you. How are you today?"
        assert not t.engines.spoken


async def test_options_of_one_answer_do_not_change_the_session() -> None:
    async with talking() as t:
        t.configure(instructions="Be kind.")
        t.write("Hi.")
        t.say(
            "response.create",
            response={
                "instructions": "Be rude.",
                "output_modalities": ["text"],
                "max_output_tokens": 7,
                "metadata": {"a": "b"},
            },
        )
        done = await t.until("response.done")
        assert done["response"]["metadata"] == {"a": "b"}
        assert done["response"]["max_output_tokens"] == 7
        t.say("response.create")
        await t.until("response.done")
        first, second = t.engines.requests
        assert (first.messages[0]["content"], first.max_tokens) == ("Be rude.", 7)
        assert second.messages[0]["content"] == "Be kind."


async def test_asked_in_chinese_the_model_is_told_to_keep_to_the_users_characters() -> None:
    """Unless the client has instructions of its own; those are the model's to follow as they are."""
    async with talking() as t:
        for text in ("Hi.", "月亮有多遠？", "And the sun?"):
            t.write(text)
            t.say("response.create")
            await t.until("response.done")
        t.configure(instructions="Be kind.")
        t.say("response.create")
        await t.until("response.done")
        told = [request.messages[0]["content"] for request in t.engines.requests]
        assert told == [DEFAULT_INSTRUCTIONS, CHINESE_INSTRUCTIONS, CHINESE_INSTRUCTIONS, "Be kind."]


async def test_a_second_answer_at_the_same_time_is_refused() -> None:
    async with talking() as t:
        t.engines.think.clear()
        t.write("Hi.")
        t.say("response.create")
        t.say("response.create", event_id="again")
        error = (await t.until("error"))["error"]
        assert (error["code"], error["event_id"]) == ("conversation_already_has_active_response", "again")
        t.engines.think.set()
        await t.until("response.done")
        t.say("response.create")
        await t.until("response.done")


async def test_cancelling_stops_the_model_and_the_voice() -> None:
    async with talking() as t:
        t.engines.think_on.clear()
        t.write("Hi.")
        t.say("response.create")
        await t.engines.thinking.wait()
        t.say("response.cancel")
        done = await t.until("response.done")
        assert done["response"]["status"] == "cancelled"
        assert done["response"]["status_details"]["reason"] == "client_cancelled"
        t.say("response.cancel", event_id="late")
        error = (await t.until("error"))["error"]
        assert (error["code"], error["event_id"]) == ("response_cancel_not_active", "late")
        assert t.engines.stopped == 1


async def test_cancel_and_create_at_once_keep_their_order() -> None:
    async with talking() as t:
        t.engines.think.clear()
        t.write("Hi.")
        t.say("response.create")
        await t.until("response.created")
        t.say("response.cancel")
        t.say("response.create")
        t.engines.think.set()
        await t.until("response.done")
        done = await t.until("response.done")
        assert done["response"]["status"] == "completed"
        told = [kind for kind in t.kinds() if kind in {"response.created", "response.done"}]
        assert told == ["response.created", "response.done"] * 2


async def test_an_answer_cancelled_before_it_began_still_ends() -> None:
    async with talking() as t:
        t.write("Hi.")
        t.say("response.create")
        t.say("response.cancel")
        done = await t.until("response.done")
        assert done["response"]["status"] == "cancelled"
        assert t.kinds().count("response.created") == 1


async def test_an_answer_outside_the_conversation_leaves_it_alone() -> None:
    async with talking() as t:
        t.write("Hi.")
        await t.until("conversation.item.done")
        message = {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "Classify: cat"}]}
        t.say("response.create", response={"conversation": "none", "output_modalities": ["text"], "input": [message]})
        done = await t.until("response.done")
        assert done["response"]["conversation_id"] is None
        assert [m["content"] for m in t.engines.requests[0].messages[1:]] == ["Classify: cat"]
        t.say("conversation.item.retrieve", item_id=done["response"]["output"][0]["id"])
        assert (await t.until("error"))["error"]["code"] == "item_not_found"
        assert not t.record.of(ReplyStarted)


async def test_input_may_refer_to_items_of_the_conversation() -> None:
    async with talking() as t:
        t.write("Remember the moon.")
        item_id = (await t.until("conversation.item.done"))["item"]["id"]
        reference = {"type": "item_reference", "id": item_id}
        t.say("response.create", response={"output_modalities": ["text"], "input": [reference]})
        await t.until("response.done")
        assert [m["content"] for m in t.engines.requests[0].messages[1:]] == ["Remember the moon."]
