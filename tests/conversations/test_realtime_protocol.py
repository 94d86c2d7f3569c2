"""The socket stays open whatever a client says; what is wrong is told, with the event's id."""

import base64
import json

import pytest

from conversations.events import ItemCreated, ItemDeleted, ToolCalled, UserSpoke, UserWrote
from conversations.realtime.limits import Limits
from conversations.realtime.opening import Wish
from tests.conversations.talker import MemoryRecord, Talker, loud, talking
from tests.fake_engines import FakeEngines, tool_call


async def still_there(t: Talker) -> None:
    t.configure()
    await t.until("session.updated")


@pytest.mark.parametrize(
    ("frame", "code", "param", "event_id"),
    [
        ("not json", "invalid_json", None, None),
        ('"a string"', "invalid_event", None, None),
        ("[1, 2]", "invalid_event", None, None),
        ('{"event_id": "e1"}', "missing_required_parameter", "type", "e1"),
        ('{"type": "no.such.event", "event_id": "e2"}', "unknown_event", "type", "e2"),
        ('{"type": "output_audio_buffer.clear", "event_id": "e2"}', "unknown_event", "type", "e2"),
        ('{"type": "input_audio_buffer.append", "event_id": "e3"}', "missing_required_parameter", None, "e3"),
        ('{"type": "input_audio_buffer.append", "event_id": "e4", "audio": 7}', "invalid_value", "audio", "e4"),
        ('{"type": "input_audio_buffer.append", "event_id": "e5", "audio": "%%%"}', "invalid_value", "audio", "e5"),
        (
            '{"type": "response.create", "event_id": "e6", "response": {"max_output_tokens": 0}}',
            "invalid_value",
            "response.max_output_tokens",
            "e6",
        ),
        ('{"type": "conversation.item.delete", "event_id": "e7", "item_id": "x"}', "item_not_found", "item_id", "e7"),
        ('{"type": "session.update", "event_id": "e8", "session": 3}', "invalid_value", "session", "e8"),
        ('{"type": "session.update", "event_id": {"a": 1}, "session": {}}', "invalid_event", None, None),
    ],
)
async def test_what_is_wrong_is_told_and_the_socket_stays(
    frame: str, code: str, param: str | None, event_id: str | None
) -> None:
    async with talking() as t:
        t.session.receive(frame)
        error = (await t.until("error"))["error"]
        assert (error["code"], error["param"], error["event_id"]) == (code, param, event_id)
        assert error["type"] == "invalid_request_error"
        await still_there(t)


async def test_deeply_nested_json_is_an_error_like_any_other() -> None:
    async with talking() as t:
        t.session.receive('{"type": "session.update", "session": ' + '{"a":' * 5000 + "1" + "}" * 5000 + "}")
        await t.until("error")
        await still_there(t)


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


async def test_items_have_an_order() -> None:
    async with talking() as t:

        def item(name: str) -> dict[str, object]:
            return {
                "id": name,
                "type": "message",
                "role": "user",
                "content": [{"type": "input_text", "text": name}],
            }

        t.say("conversation.item.create", item=item("b"))
        t.say("conversation.item.create", item=item("a"), previous_item_id="root")
        t.say("conversation.item.create", item=item("c"), previous_item_id="b")
        t.say("conversation.item.create", item=item("ab"), previous_item_id="a")
        previous = [(await t.until("conversation.item.added"))["previous_item_id"] for _ in range(4)]
        assert previous == [None, None, "b", "a"]
        t.say("response.create", response={"output_modalities": ["text"]})
        await t.until("response.done")
        assert [m["content"] for m in t.engines.requests[0].messages[1:]] == ["a", "ab", "b", "c"]
        t.say("conversation.item.create", item=item("a"), event_id="twice")
        assert (await t.until("error"))["error"]["code"] == "item_already_exists"
        t.say("conversation.item.create", item=item("x"), previous_item_id="nowhere")
        assert (await t.until("error"))["error"]["code"] == "item_not_found"
    assert [fact.item_id for fact in t.record.of(UserWrote)] == ["b", "a", "c", "ab"]


async def test_a_deleted_item_is_out_of_the_context_and_the_record_says_so() -> None:
    async with talking() as t:
        t.write("Forget me.")
        item_id = (await t.until("conversation.item.done"))["item"]["id"]
        t.say("conversation.item.delete", item_id=item_id)
        await t.until("conversation.item.deleted")
        assert t.record.of(ItemDeleted)[0].item_id == item_id
        t.write("Keep me.")
        t.say("response.create", response={"output_modalities": ["text"]})
        await t.until("response.done")
        assert [m["content"] for m in t.engines.requests[0].messages[1:]] == ["Keep me."]


async def test_system_and_assistant_messages_join_the_context() -> None:
    async with talking() as t:
        for role, kind, text in (
            ("system", "input_text", "The user is called Ada."),
            ("assistant", "output_text", "Hello Ada."),
        ):
            content = [{"type": kind, "text": text}]
            t.say("conversation.item.create", item={"type": "message", "role": role, "content": content})
            await t.until("conversation.item.done")
        t.say("response.create", response={"output_modalities": ["text"]})
        await t.until("response.done")
        shown = [(m["role"], m["content"]) for m in t.engines.requests[0].messages[1:]]
        assert shown == [("system", "The user is called Ada."), ("assistant", "Hello Ada.")]
        assert [fact.role for fact in t.record.of(ItemCreated)] == ["system", "assistant"]


async def test_a_spoken_message_may_be_put_into_the_conversation() -> None:
    async with talking() as t:
        audio = base64.b64encode(loud(0.5)).decode()
        content = [{"type": "input_audio", "audio": audio}]
        t.say("conversation.item.create", item={"type": "message", "role": "user", "content": content})
        t.say("response.create", response={"output_modalities": ["text"]})
        await t.until("response.done")
        assert t.engines.requests[0].messages[-1]["content"] == "hello there."
        item_id = t.last("conversation.item.input_audio_transcription.completed")["item_id"]
        t.say("conversation.item.retrieve", item_id=item_id)
        part = (await t.until("conversation.item.retrieved"))["item"]["content"][0]
        assert (part["transcript"], part["audio"]) == ("hello there.", audio)
        assert t.record.of(UserSpoke)[0].duration_ms == 500


async def test_a_function_is_called_and_its_output_answered() -> None:
    weather = {
        "type": "function",
        "name": "weather",
        "description": "Tells the weather.",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}},
    }
    engines = FakeEngines(replies=[tool_call("weather", '{"city": "Taipei"}'), "It rains in Taipei."])
    async with talking(engines) as t:
        t.configure(tools=[weather], tool_choice={"type": "function", "name": "weather"})
        t.write("The weather in Taipei?")
        t.say("response.create")
        done = await t.until("response.done")
        call = done["response"]["output"][0]
        assert (call["type"], call["name"], call["arguments"]) == ("function_call", "weather", '{"city": "Taipei"}')
        assert call["status"] == "completed"
        kinds = t.kinds()
        order = [
            "response.created",
            "response.output_item.added",
            "conversation.item.added",
            "response.function_call_arguments.delta",
            "response.function_call_arguments.done",
            "response.output_item.done",
            "conversation.item.done",
            "response.done",
        ]
        assert list(dict.fromkeys(kinds[kinds.index("response.created") :]))[: len(order)] == order
        output = {"type": "function_call_output", "call_id": call["call_id"], "output": '{"rain": true}'}
        t.say("conversation.item.create", item=output)
        t.say("response.create", response={"output_modalities": ["text"], "tool_choice": "none"})
        await t.until("response.done")
    first, second = engines.requests
    assert first.tools[0]["function"]["name"] == "weather"
    assert first.tool_choice == {"type": "function", "function": {"name": "weather"}}
    assert second.tool_choice == "none"
    assert [m["role"] for m in second.messages] == ["system", "user", "assistant", "tool"]
    assert second.messages[2]["tool_calls"][0]["id"] == second.messages[3]["tool_call_id"]
    assert t.record.of(ToolCalled)[0].arguments == '{"city": "Taipei"}'


async def test_a_full_push_to_talk_buffer_is_cleared_and_may_be_filled_again() -> None:
    async with talking() as t:
        t.configure(audio={"input": {"turn_detection": None}})
        await t.until("session.updated")
        ten_seconds = loud(10)
        for _ in range(7):
            t.hear(ten_seconds)
        cleared = await t.until("input_audio_buffer.cleared")
        error = (await t.until("error"))["error"]
        assert error["code"] == "buffer_too_large"
        assert cleared
        t.hear(loud(1))
        t.say("input_audio_buffer.commit")
        await t.until("input_audio_buffer.committed")


async def test_a_flood_is_refused_not_served() -> None:
    limits = Limits(event_burst=10, events_per_s=1, audio_burst_s=1.0, audio_speed=1.0)
    async with talking(limits=limits) as t:
        t.hear(loud(2))
        assert (await t.until("error"))["error"]["code"] == "rate_limit_exceeded"
        for _ in range(20):
            t.say("response.cancel")
        codes = {(await t.until("error"))["error"]["code"] for _ in range(20)}
        assert codes == {"response_cancel_not_active", "rate_limit_exceeded"}


async def test_a_resumed_conversation_brings_its_items_and_its_context() -> None:
    record = MemoryRecord()
    async with talking(record=record) as t:
        t.write("My name is Ada.")
        t.say("response.create")
        await t.until("response.done")
        await t.until("avatar.heard")
    half = next(n for n, (_, fact) in enumerate(record.facts, 1) if isinstance(fact, UserWrote))
    wish = Wish(owner_id="somebody", conversation_id="conv_1", after=half, extras=True)
    async with talking(record=record, wish=wish) as t:
        opened = await t.until("avatar.conversation")
        assert (opened["resumed"], opened["conversation_id"]) == (True, "conv_1")
        told = [event["item"] for event in t.seen if event["type"] == "conversation.item.added"]
        assert [item["role"] for item in told] == ["assistant"]
        t.write("What is my name?")
        t.say("response.create", response={"output_modalities": ["text"]})
        await t.until("response.done")
        shown = [m["content"] for m in t.engines.requests[-1].messages[1:]]
        assert shown == ["My name is Ada.", "Hello to you. How are you today?", "What is my name?"]


async def test_extras_come_only_when_asked_for() -> None:
    async with talking(wish=Wish(owner_id="a")) as t:
        t.write("Hi.")
        t.say("response.create")
        await t.until("response.done")
        assert not [event for event in t.seen if event["type"].startswith("avatar.")]


async def test_the_same_event_id_is_repeated_for_every_kind_of_error() -> None:
    async with talking() as t:
        t.say("response.cancel", event_id="mine")
        assert (await t.until("error"))["error"]["event_id"] == "mine"
        t.session.receive(json.dumps({"type": "conversation.item.create", "event_id": "mine", "item": {}}))
        assert (await t.until("error"))["error"]["event_id"] == "mine"
