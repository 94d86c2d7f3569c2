"""Who does not fit waits at the memory gate, or is refused: in order, told where they stand, never for long."""

from inference.gate.terms import Expired, Granted, Refused, Unload, Waits
from tests.inference.gated import COSY, GB, LLM, Card


def test_a_session_makes_fine_speech_give_way_and_comes_in_once_the_memory_is_free() -> None:
    card = Card(LLM, COSY)
    card.loaded("llm", "cosyvoice")
    card.look()
    for number in range(6):
        assert card.ask(f"s{number}") == (Granted(f"s{number}"),)
    actions = card.ask("seventh")
    assert actions[0] == Unload("cosyvoice")
    assert not any(isinstance(action, Refused) for action in actions)
    card.gone("cosyvoice")
    assert card.step() == ()  # its end has not been measured
    assert card.look(0.5) == (Granted("seventh"),)


def test_who_may_not_queue_waits_no_longer_than_his_patience_for_room() -> None:
    card = Card(LLM, COSY, patience_s=0.8)
    card.loaded("llm", "cosyvoice")
    card.look()
    for number in range(6):
        card.ask(f"s{number}")
    card.ask("seventh")
    assert card.look(0.7) == ()  # it takes its time to unload
    (refused,) = card.look(0.2)
    assert isinstance(refused, Refused)


def test_the_queue_is_bounded_served_in_order_and_told_where_one_stands() -> None:
    card = Card(LLM, places=2, queue_places=2, queue_wait_s=100.0, lease_s=1000.0)
    card.loaded("llm")
    card.look()
    card.fill()
    assert card.ask("a", queue=True) == (Waits("a", 1, 150.0),)
    assert card.ask("b", queue=True) == (Waits("b", 2, 300.0),)
    assert isinstance(card.ask("c", queue=True)[0], Refused)
    card.gate.leave(card.now, "s0")
    actions = card.look()
    assert actions[0] == Granted("a")
    assert isinstance(actions[1], Waits)
    assert (actions[1].lease, actions[1].position) == ("b", 1)
    assert isinstance(card.ask("who does not queue")[0], Refused)
    assert any(isinstance(action, Refused) and action.lease == "b" for action in (*card.look(50.0), *card.look(50.0)))


def test_who_leaves_the_queue_is_not_waited_for() -> None:
    card = Card(LLM, places=1, queue_places=2)
    card.loaded("llm")
    card.look()
    card.fill()
    card.ask("a", queue=True)
    card.ask("b", queue=True)
    card.gate.leave(card.now, "a")
    card.gate.leave(card.now, "s0")
    assert card.look()[0] == Granted("b")


def test_a_silent_holder_loses_the_place() -> None:
    card = Card(LLM, places=1, lease_s=20.0)
    card.loaded("llm")
    card.look()
    card.fill()
    for _ in range(5):
        assert card.look(15.0) == ()
        assert card.gate.renew(card.now, "s0")
    assert card.look(21.0) == (Expired("s0"),)
    assert not card.gate.renew(card.now, "s0")
    assert card.ask("next") == (Granted("next"),)


def test_who_waits_for_a_place_and_not_for_memory_takes_no_fine_speech_away() -> None:
    card = Card(LLM, COSY, places=2, queue_places=2)
    card.loaded("llm")
    card.look()
    card.fill()
    assert isinstance(card.ask("next", queue=True)[0], Waits)
    assert card.gate.permit(card.now, "cosyvoice") == ""
    card.loaded("cosyvoice")
    card.look()
    assert card.services == []


def test_while_somebody_waits_for_memory_fine_speech_is_not_loaded() -> None:
    card = Card(LLM, COSY, queue_places=2)
    card.loaded("llm")
    card.look()
    card.fill()
    assert isinstance(card.ask("next", queue=True)[0], Waits)
    card.gate.leave(card.now, "s0")
    card.others = 12 * GB  # the place is there, and the memory is not
    card.look()
    assert card.gate.permit(card.now, "cosyvoice") == "Sessions wait for memory."
