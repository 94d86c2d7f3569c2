"""A conversation returns to the slot that still holds its prompt, and never takes another's."""

from typing import Any

from inference.host.chat.affinity import Slots

SYSTEM = {"role": "system", "content": "You are a voice assistant."}


def said(*turns: str) -> list[dict[str, Any]]:
    roles = ("user", "assistant")
    return [SYSTEM, *({"role": roles[position % 2], "content": turn} for position, turn in enumerate(turns))]


def slot_of(slots: Slots, messages: list[dict[str, Any]], owner: str = "") -> int | None:
    with slots.take(messages, owner) as slot:
        return slot


def test_a_conversation_that_goes_on_keeps_its_slot() -> None:
    slots = Slots(3)
    anna, ben = slot_of(slots, said("I am Anna")), slot_of(slots, said("I am Ben"))
    assert anna != ben
    assert slot_of(slots, said("I am Ben", "Hello Ben", "Who am I?")) == ben
    assert slot_of(slots, said("I am Anna", "Hello Anna", "Who am I?")) == anna


def test_a_new_conversation_takes_an_empty_slot_before_one_in_use() -> None:
    slots = Slots(3)
    taken = [slot_of(slots, said(f"I am number {number}")) for number in range(3)]
    assert sorted(slot for slot in taken if slot is not None) == [0, 1, 2]


def test_when_all_are_used_the_longest_unused_is_given_away() -> None:
    slots = Slots(2)
    old = slot_of(slots, said("old"))
    slot_of(slots, said("new"))
    assert slot_of(slots, said("newest")) == old


def test_two_requests_at_once_never_share_a_slot() -> None:
    slots = Slots(2)
    with slots.take(said("same")) as first, slots.take(said("same")) as second, slots.take(said("same")) as third:
        assert {first, second} == {0, 1}
        assert third is None
        assert slots.busy
    assert not slots.busy


def test_a_server_that_was_started_again_remembers_nothing() -> None:
    slots = Slots(2)
    slot_of(slots, said("one"))
    kept = slot_of(slots, said("two"))
    slots.forget()
    assert slot_of(slots, said("two", "yes", "go on")) != kept


def test_a_last_message_that_changed_keeps_the_slot() -> None:
    """An answer begun in a pause is begun anew when the user speaks on."""
    slots = Slots(3)
    begun = slot_of(slots, said("Hello", "Hello to you", "And so"))
    assert slot_of(slots, said("Hello", "Hello to you", "And so my fellow Americans")) == begun


def test_a_system_message_in_common_is_not_enough() -> None:
    slots = Slots(3)
    assert slot_of(slots, said("Hello")) != slot_of(slots, said("Good day"))


def test_a_conversation_that_forgets_its_oldest_turns_keeps_its_slot() -> None:
    slots = Slots(3)
    anna, ben = slot_of(slots, said("I am Anna"), "anna"), slot_of(slots, said("I am Ben"), "ben")
    assert anna != ben
    for number in range(3):
        assert slot_of(slots, said(f"Anna again, {number}"), "anna") == anna
        assert slot_of(slots, said(f"Ben again, {number}"), "ben") == ben


def test_two_with_the_same_beginning_do_not_share_a_slot_when_they_say_who_they_are() -> None:
    slots = Slots(3)
    assert slot_of(slots, [SYSTEM], "anna") != slot_of(slots, [SYSTEM], "ben")


def test_a_newcomer_takes_the_slot_of_who_was_away_longest() -> None:
    slots = Slots(2)
    away = slot_of(slots, said("Hello"), "anna")
    slot_of(slots, said("Hello"), "ben")
    assert slot_of(slots, said("Hello"), "cleo") == away
