"""The items of a conversation: their order, what clients put in or take out, functions, and what resuming brings."""

import base64

from conversations.events import ItemCreated, ItemDeleted, ToolCalled, UserSpoke, UserWrote
from conversations.realtime.opening import Wish
from tests.conversations.talker import MemoryRecord, loud, talking
from tests.fake_engines import FakeEngines, tool_call


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
