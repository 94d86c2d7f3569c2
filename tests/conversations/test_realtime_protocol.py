"""The socket stays open whatever a client says; what is wrong is told, with the event's id."""

import json

import pytest

from conversations.realtime.limits import Limits
from conversations.realtime.opening import Wish
from tests.conversations.talker import Talker, loud, talking


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
