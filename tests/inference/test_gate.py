"""The memory gate decides: who gets a place, what gives way in which order, and when it comes back."""

import pytest

from inference.gate.gate import Gate
from inference.gate.terms import (
    Action,
    Declaration,
    Device,
    Expired,
    Granted,
    Load,
    Measurement,
    Policy,
    Refused,
    Service,
    Unload,
    Waits,
)
from inference.machine import Memory

GB = 1024**3
MB = 1024**2
LLM = Declaration("llm", "core", "cuda:0", 10 * GB, session=GB)
F5 = Declaration("f5", "clone", "cuda:0", GB)
COSY = Declaration("cosyvoice", "fine", "cuda:0", 4 * GB, on_demand=True)


class Card:
    """A gate over a card of 24 GB (ceiling 21.6, margin 0.72), what really is on it, and a clock."""

    def __init__(self, *declared: Declaration, others: int = 0, **policy: object) -> None:
        self.gate = Gate(
            Policy(**({"places": 100} | policy)),  # type: ignore[arg-type]
            [Device("cuda:0", 24 * GB, others=others)],
            declared,
        )
        self.now = 0.0
        self.others = 0
        self.engines: dict[str, int] = {}
        self.hidden: set[str] = set()
        """Engines whose use the driver does not tell."""
        self.services: list[str] = []

    def loaded(self, *engines: str) -> None:
        for engine in engines:
            self.gate.sync(self.now, engine, "loading")
            self.gate.sync(self.now, engine, "loaded")
            self.engines[engine] = self.gate.accounts[engine].declared.memory

    def gone(self, engine: str) -> None:
        self.engines.pop(engine, None)
        self.gate.sync(self.now, engine, "absent")

    def look(self, after_s: float = 1.0) -> tuple[Action, ...]:
        """Measures, and takes the gate's step."""
        self.now += after_s
        used = self.others + sum(self.engines.values())
        told = {name: size for name, size in self.engines.items() if name not in self.hidden}
        hidden = frozenset(self.hidden & self.engines.keys())
        self.gate.observe(self.now, Measurement({"cuda:0": Memory(24 * GB, used)}, told, hidden=hidden))
        return self.step()

    def step(self) -> tuple[Action, ...]:
        actions = self.gate.step(self.now)
        self.services += [action.level for action in actions if isinstance(action, Service)]
        return actions

    def ask(self, lease: str, *, queue: bool = False) -> tuple[Action, ...]:
        self.gate.ask(self.now, lease, queue=queue)
        return self.step()

    def fill(self) -> int:
        """Sessions until one is refused."""
        count = 0
        while any(isinstance(action, Granted) for action in self.ask(f"s{count}")):
            count += 1
        return count


def test_sessions_are_admitted_while_their_need_fits_below_the_ceiling() -> None:
    card = Card(LLM)
    card.loaded("llm")
    card.look()
    assert card.fill() == 10  # 21.6 - 0.72 - 10 GB
    refused = card.ask("one more")
    assert refused == (
        Refused("one more", "There is not enough memory for another conversation now. Try again when one has ended."),
    )
    card.gate.leave(card.now, "s0")
    assert card.ask("another") == (Granted("another"),)


def test_places_are_bounded_whatever_the_memory() -> None:
    card = Card(LLM, places=3)
    card.loaded("llm")
    card.look()
    assert card.fill() == 3
    (refused,) = card.ask("fourth")
    assert isinstance(refused, Refused)
    assert refused.reason.startswith("All 3 places are taken.")


def test_what_is_promised_counts_before_it_is_used_and_what_is_used_beyond_it_too() -> None:
    card = Card(LLM)
    card.gate.sync(0, "llm", "loading")
    card.look()
    assert card.fill() == 10  # nothing of it is used yet
    card = Card(LLM)
    card.loaded("llm")
    card.engines["llm"] = 13 * GB  # it takes more than it said
    card.look()
    assert card.fill() == 7


def test_a_pool_of_sessions_is_counted_once() -> None:
    card = Card(Declaration("llm", "core", "cuda:0", 10 * GB, session=GB, pooled=5), F5)
    card.loaded("llm")
    card.engines["llm"] = 15 * GB
    card.look()
    assert card.gate.ledgers["cuda:0"].room(0) == card.gate.ledgers["cuda:0"].room(5)
    assert card.fill() == 10


def test_where_the_driver_hides_what_processes_use_engines_are_no_other_programs() -> None:
    card = Card(Declaration("llm", "core", "cuda:0", 10 * GB, session=GB, pooled=8), F5)
    card.loaded("llm", "f5")
    card.engines.clear()  # as in a container: the card's use is known, and not whose it is
    card.others = 19 * GB
    card.look()
    assert card.gate.ledgers["cuda:0"].others_now == 0
    assert card.fill() == 9


def test_while_an_engine_loads_whose_use_is_hidden_its_need_counts_once() -> None:
    card = Card(LLM, F5)
    card.hidden = {"llm", "f5"}
    card.others = 2 * GB
    card.look()
    ledger = card.gate.ledgers["cuda:0"]
    card.gate.sync(card.now, "llm", "loading")
    for taken in (0, 3 * GB, 6 * GB, 9 * GB):
        card.engines["llm"] = taken
        assert card.look() == ()
        assert ledger.projected(0) == 12 * GB
        assert ledger.others_most == 2 * GB
        assert ledger.firm_room(0) == ledger.room(0)
    card.gate.sync(card.now, "f5", "loading")  # two at once
    card.engines |= {"llm": 10 * GB, "f5": GB // 2}
    card.look()
    assert (ledger.projected(0), ledger.others_most) == (13 * GB, 2 * GB)
    card.gate.sync(card.now, "llm", "loaded")
    card.gate.sync(card.now, "f5", "loaded")
    card.engines["f5"] = GB
    card.look()
    assert card.fill() == 7  # 21.6 - 0.72 - 2 - 11 GB


def test_a_hidden_engine_that_is_doubted_is_no_other_program_meanwhile() -> None:
    card = Card(LLM)
    card.hidden = {"llm"}
    card.others = GB
    card.loaded("llm")
    card.look()
    card.gate.sync(card.now, "llm", "loading")  # a connection to it broke, and its process is still there
    ledger = card.gate.ledgers["cuda:0"]
    assert ledger.others_now == GB
    card.look()
    assert (ledger.projected(0), ledger.others_most) == (11 * GB, GB)
    card.engines["llm"] = 0  # the process has died, and begins anew
    card.look()
    assert (ledger.projected(0), ledger.others_most) == (11 * GB, GB)


def test_what_others_take_while_a_hidden_engine_loads_is_theirs_when_it_has_loaded() -> None:
    card = Card(LLM, F5)
    card.hidden = {"f5"}
    card.loaded("llm")
    card.others = 3 * GB
    card.look()
    card.gate.sync(card.now, "f5", "loading")
    card.engines["f5"] = 0
    card.look()
    card.others = GB  # somebody goes, and what the engine takes then is seen all the same
    card.look()
    card.engines["f5"] = GB // 2
    card.look()
    ledger = card.gate.ledgers["cuda:0"]
    assert ledger.projected(0) == 12 * GB
    card.others = 5 * GB
    card.look()
    assert ledger.others_now == 5 * GB - GB // 2  # the half that the engine has yet to take
    card.engines["f5"] = GB
    card.gate.sync(card.now, "f5", "loaded")
    card.look()
    assert (ledger.projected(0), ledger.others_now) == (16 * GB, 5 * GB)


def test_what_is_kept_for_others_is_not_given_to_sessions_but_lent_to_what_can_be_unloaded() -> None:
    card = Card(LLM, COSY, others=5 * GB)
    card.loaded("llm")
    card.look()
    assert card.fill() == 5
    assert card.gate.permit(card.now, "cosyvoice") == ""
    card.loaded("cosyvoice")
    card.others = 3 * GB
    (unload, told) = card.look()
    assert unload == Unload("cosyvoice")
    assert isinstance(told, Service)


def test_what_others_used_a_while_ago_is_kept_for_them() -> None:
    card = Card(LLM, remember_s=600.0)
    card.loaded("llm")
    card.others = 6 * GB
    card.look()
    card.others = 0
    card.look()
    assert card.fill() == 4
    card.look(601.0)
    card.look()
    assert card.fill() > 0


def test_the_order_fine_speech_then_clones_then_voices_and_never_the_core() -> None:
    voice = Declaration("voice", "voice", "cuda:0", GB)
    card = Card(LLM, COSY, F5, voice)
    card.loaded("llm", "cosyvoice", "f5", "voice")
    assert card.look() == ()
    for others, engine, level in ((6, "cosyvoice", "no_fine"), (10, "f5", "no_clones"), (11, "voice", "text_only")):
        card.others = others * GB
        actions = card.look()
        assert actions[0] == Unload(engine)
        assert isinstance(actions[1], Service)
        assert actions[1].level == level
        assert "other programs" in actions[1].reason
        assert card.look(0.1) == ()  # it is on its way
        card.gone(engine)
    card.others = 13 * GB
    assert card.look() == ()
    assert card.gate.accounts["llm"].life == "loaded"


def test_only_as_much_gives_way_as_is_needed_and_the_least_recently_used_first() -> None:
    first, second = (Declaration(name, "fine", "cuda:0", 2 * GB, on_demand=True) for name in ("first", "second"))
    card = Card(LLM, first, second)
    card.loaded("llm", "first", "second")
    card.gate.used(5.0, "second")
    card.gate.used(6.0, "first")
    card.others = 8 * GB
    assert card.look()[0] == Unload("second")
    card.gone("second")
    assert card.look() == ()
    assert card.gate.accounts["first"].life == "loaded"


def test_it_comes_back_when_there_has_been_room_for_a_while_the_gravest_loss_first() -> None:
    voice = Declaration("voice", "voice", "cuda:0", GB)
    card = Card(LLM, COSY, F5, voice, hold_s=30.0)
    card.loaded("llm", "cosyvoice", "f5", "voice")
    card.others = 12 * GB
    assert [action for action in card.look() if isinstance(action, Unload)] == [
        Unload("cosyvoice"),
        Unload("f5"),
        Unload("voice"),
    ]
    for engine in ("cosyvoice", "f5", "voice"):
        card.gone(engine)
    card.others = 0
    card.look()
    assert card.look(29.0) == ()
    card.others = 12 * GB  # not for good
    card.look()
    card.others = 0
    card.look()
    assert card.look(30.0) == (Load("voice"),)
    card.loaded("voice")
    assert card.look()[-1].level == "no_clones"  # type: ignore[union-attr]
    assert card.look(30.0) == (Load("f5"),)
    card.loaded("f5")
    card.look()
    card.look(30.0)
    assert card.services == ["text_only", "no_clones", "no_fine", "full"]
    assert card.gate.permit(card.now, "cosyvoice") == ""


def test_a_voice_that_is_not_on_the_machine_is_not_waited_for() -> None:
    here, missing = (Declaration(name, "voice", "cuda:0", GB) for name in ("here", "missing"))
    card = Card(LLM, here, missing)
    card.loaded("llm", "here", "missing")
    card.others = 11 * GB
    card.look()
    card.gone("here")
    card.gone("missing")
    card.others = 0
    card.look()
    assert card.look(30.0) == (Load("here"), Load("missing"))
    card.loaded("here")
    assert card.look() == ()
    card.gone("missing")  # its files have gone meanwhile
    card.look()
    assert card.services == ["text_only", "full"]


def test_fine_speech_that_does_not_fit_is_refused_in_words_and_allowed_again_later() -> None:
    card = Card(LLM, COSY)
    card.loaded("llm")
    card.others = 8 * GB
    card.look()
    assert card.gate.permit(card.now, "cosyvoice").startswith("It needs 4.0 GB; cuda:0: 18.0 GB of 21.6 GB used")
    assert card.look()[0].level == "no_fine"  # type: ignore[union-attr]
    card.others = 0
    card.look()
    card.look(31.0)
    assert card.gate.level == "full"
    assert card.gate.permit(card.now, "cosyvoice") == ""
    assert card.fill() == 2  # 6 beside it, if the others had not shown what they may use


def test_fine_speech_is_not_loaded_anew_with_every_session_that_goes() -> None:
    card = Card(LLM, COSY, hold_s=30.0)
    card.loaded("llm", "cosyvoice")
    card.look()
    for number in range(6):
        card.ask(f"s{number}")
    card.ask("seventh")
    card.gone("cosyvoice")
    assert card.look(0.5) == (Granted("seventh"),)
    card.gate.leave(card.now, "seventh")
    card.gate.leave(card.now, "s0")  # there is room for it again, and 3 % of the card more
    for _ in range(30):
        card.look(1.0)
        assert card.gate.permit(card.now, "cosyvoice").startswith("cuda:0: "), "it comes back after 30 s, not before"
        assert card.gate.level == "no_fine"
    card.look(1.0)  # that it was asked for meanwhile has put nothing off
    assert card.gate.level == "full"
    assert card.gate.permit(card.now, "cosyvoice") == ""


def test_fine_speech_comes_back_when_there_is_more_room_than_it_needs_not_with_the_last_byte_of_it() -> None:
    card = Card(LLM, COSY, hold_s=30.0)
    card.loaded("llm")
    card.others = 8 * GB
    card.look()
    assert card.gate.permit(card.now, "cosyvoice")
    card.others = int(6.5 * GB)  # 21.6 - 0.72 - 10 - 6.5: 0.38 GB more than it needs, where 0.72 are asked for
    card.look()
    card.look(100.0)
    assert card.gate.permit(card.now, "cosyvoice")
    card.others = 6 * GB
    card.look()
    card.look(30.0)
    assert card.gate.permit(card.now, "cosyvoice") == ""


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


def test_an_engine_that_leaks_is_started_again_when_nobody_uses_it() -> None:
    card = Card(LLM, F5)
    card.loaded("llm", "f5")
    card.look()
    card.gate.used(card.now, "f5")
    card.engines["f5"] = 2 * GB
    card.gate.accounts["f5"].loaded_at = card.now - 601  # it had settled
    assert card.look(10.0) == ()  # in use
    assert card.look(31.0) == (Unload("f5"),)
    card.gone("f5")
    assert card.look() == (Load("f5"),)
    card.loaded("f5")
    assert card.look() == ()
    assert card.services == []
    assert card.gate.accounts["f5"].need == int(GB * 1.05)  # what it used until it had settled


def test_a_core_engine_that_leaks_is_started_again_between_sessions_or_when_it_gets_grave() -> None:
    card = Card(LLM)
    card.loaded("llm")
    card.look()
    card.ask("s0")
    card.gate.accounts["llm"].loaded_at = card.now - 601  # it had settled
    card.engines["llm"] = 13 * GB  # 2 GB too much: less than a tenth of the card
    assert card.look() == ()
    card.gate.leave(card.now, "s0")
    assert card.look() == (Unload("llm"),)
    card.gone("llm")
    assert card.look() == (Load("llm"),)
    card.loaded("llm")
    card.ask("s1")
    card.look()
    card.gate.accounts["llm"].loaded_at = card.now - 601
    card.engines["llm"] = 14 * GB
    assert card.look() == (Unload("llm"),)


def test_declarations_are_corrected_by_what_was_measured() -> None:
    card = Card(LLM, F5, settle_s=600.0)
    card.loaded("llm", "f5")
    card.engines["f5"] = 600 * MB
    card.look()
    assert card.gate.accounts["f5"].need == GB  # it may come to use what it declares
    card.gate.used(300.0, "f5")
    card.look(700.0)
    assert card.gate.accounts["f5"].need == int(600 * MB * 1.05)
    card.engines["f5"] = 2 * GB
    fresh = Card(LLM, F5)
    fresh.loaded("llm", "f5")
    fresh.engines["f5"] = 2 * GB
    fresh.look()
    assert fresh.gate.accounts["f5"].need == 2 * GB


@pytest.mark.parametrize("life", ["loading", "loaded"])
def test_an_engine_that_is_being_unloaded_stays_so_until_it_has_gone(life: str) -> None:
    card = Card(LLM, COSY)
    card.loaded("llm", "cosyvoice")
    card.others = 8 * GB
    card.look()
    card.gate.sync(card.now, "cosyvoice", life)  # type: ignore[arg-type]
    assert card.gate.accounts["cosyvoice"].life == "unloading"
    assert card.gate.permit(card.now, "cosyvoice") == "cosyvoice is just being unloaded."
