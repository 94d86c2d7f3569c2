"""The memory gate follows its engines: what they leak, what they really take, and how they go."""

import pytest

from inference.gate.terms import Load, Unload
from tests.inference.gated import COSY, F5, GB, LLM, MB, Card


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
    card.gate.used(card.now, "llm")  # by a program, without a session
    assert card.look() == ()
    assert card.look(31.0) == (Unload("llm"),)
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
