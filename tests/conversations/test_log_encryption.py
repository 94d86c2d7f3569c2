"""Words are sealed; destroying a key erases them and leaves the chain whole."""

import base64

import pytest
from django.core.checks import run_checks
from pytest_django import Settings

from conversations.log import crypto, keys, store
from conversations.log.errors import KeyDestroyed, MasterKeyMissing
from conversations.log.eventlog import event_log
from conversations.log.models import Key, Purpose
from conversations.log.verify import verify
from tests.conversations.log_helpers import append, execute, noted, said, stored_bytes, triggers_off

pytestmark = pytest.mark.django_db(transaction=True)


def _destroy(stream: str, turn: str | None = None) -> int:
    return event_log().write_now(lambda: keys.destroy(stream, turn))


def test_no_word_and_no_bare_key_is_in_the_database_files() -> None:
    append("test-a", said("a sentence nobody else should read"), key="once")
    stored = stored_bytes()
    assert b"test.said" in stored
    assert b"nobody else" not in stored
    ring = keys.KeyRing.load("test-a")
    for secret in (ring.stream_key().secret, ring.data_key("turn-1", Purpose.WORDS).secret):
        assert secret not in stored


def test_a_turn_that_lost_its_key_is_redacted_and_the_chain_holds() -> None:
    append("test-a", said("one", turn="turn-1"), said("two", turn="turn-2"), noted(3, turn="turn-1"))

    assert _destroy("test-a", "turn-1") == 1

    events = store.read_stream("test-a")
    assert [(event.redacted, event.payload.get("text")) for event in events] == [
        (True, None),
        (False, "two"),
        (False, None),
    ]
    assert events[0].payload == {"item": "item-1"}, "what is not personal stays"
    assert verify().breaks == []


def test_nothing_can_be_added_to_erased_words() -> None:
    append("test-a", said("one", turn="turn-1"), said("two", turn="turn-2"))
    _destroy("test-a", "turn-1")
    with pytest.raises(KeyDestroyed):
        append("test-a", said("late", turn="turn-1"))
    append("test-a", said("other", turn="turn-2"))
    append("test-a", noted(1, turn="turn-1"))


@pytest.mark.parametrize("how", ["destroyed", "deleted by hand"])
def test_a_stream_that_lost_its_keys_is_erased_for_good(how: str) -> None:
    append("test-a", said("one"), said("two", turn="turn-2"))
    append("test-b", said("stays"))
    if how == "destroyed":
        assert _destroy("test-a") == 3
        assert not Key.objects.filter(stream="test-a", wrapped__isnull=False).exists()
    else:
        Key.objects.filter(stream="test-a").delete()

    assert [event.redacted for event in store.read_stream("test-a")] == [True, True]
    assert [event.payload["text"] for event in store.read_stream("test-b")] == ["stays"]
    with pytest.raises(KeyDestroyed):
        append("test-a", said("more", turn="turn-3"))
    append("test-a", noted())  # a tombstone has no words
    assert verify().breaks == []


def test_boxes_of_one_event_do_not_open_in_another() -> None:
    append("test-a", said("one"), said("two"))
    with triggers_off():
        execute("UPDATE log_event SET payload = (SELECT payload FROM log_event WHERE position = 1) WHERE position = 2")
    with pytest.raises(crypto.BoxDamaged):
        store.read_stream("test-a")


def test_another_master_key_is_named_as_the_trouble(settings: Settings) -> None:
    append("test-a", said("one"))
    settings.AVATAR_MASTER_KEY = base64.b64encode(b"x" * 32).decode()
    with pytest.raises(MasterKeyMissing, match="does not open with this AVATAR_MASTER_KEY"):
        store.read_stream("test-a")
    with pytest.raises(MasterKeyMissing):
        append("test-a", said("two"))


@pytest.mark.parametrize(
    ("value", "what"),
    [("", "is not set"), ("not base64!", "is not base64"), (base64.b64encode(b"short").decode(), "holds 5 bytes")],
)
def test_an_unusable_master_key_is_a_failed_check(settings: Settings, value: str, what: str) -> None:
    settings.AVATAR_MASTER_KEY = value
    [message] = [message for message in run_checks() if message.id == "log.E001"]
    assert what in message.msg
    assert not value or value not in message.msg
