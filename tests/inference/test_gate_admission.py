"""The memory gate counts: what is declared, promised, used and kept for others decides how many sessions come in."""

from inference.gate.terms import Declaration, Granted, Refused, Service, Unload
from tests.inference.gated import COSY, F5, GB, LLM, Card


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
