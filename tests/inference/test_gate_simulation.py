"""The real gate over a simulated card: people, leaks, crashes and other programs. Figures: docs/capacity.md."""

import msgspec
import pytest

from inference.gate.ledger import Ledger
from tests.capacity.run import Result, holds, run
from tests.capacity.world import GB, MB, Setup

CARD_24 = Setup(arrivals=100_000)


def check(result: Result) -> None:
    """What must hold whatever happens."""
    tally = result.tally
    assert result.highest_gb <= result.limit_gb
    assert result.over_s == 0
    # no place leaks, though some holders went without a word
    assert tally.expired > 0
    assert tally.lost_places == 0
    assert result.places_left == 0
    # nobody starves: all were answered, in order, and nobody waited longer than the queue lasts
    assert tally.granted + tally.refused + tally.gave_up == result.setup.arrivals
    assert tally.overtaken == 0
    assert tally.longest_refusal_s <= 1.0
    assert tally.longest_wait_s <= 301


@pytest.mark.scale
def test_100_000_arrivals_on_a_card_of_24_gb() -> None:
    result = run(CARD_24)
    check(result)
    tally = result.tally
    # it was no idle day: everything gave way, came back, and was put to use again
    assert tally.refused > 1000
    assert tally.granted > 50_000
    assert tally.unloads["cosyvoice"] > 100
    assert tally.unloads["f5"] > 100
    assert tally.fine_asked - tally.fine_refused > 500
    assert tally.levels_s["full"] > result.lasted_s * 0.1
    assert result.highest_gb > result.limit_gb - 1.5


@pytest.mark.parametrize(
    "changes",
    [
        {"card_gb": 48, "every_s": 0.8},
        {"card_gb": 80, "every_s": 0.45},
        {"leaks": 20.0},
        {"crashing": 0.5},
        {"queueing": 1.0, "every_s": 1.2},
        {"others_most": 0, "others_kept": 0},
        {"pooled": 10},
        {"pooled": 10, "hidden": True, "leaks": 0.0},
    ],
    ids=lambda changes: ", ".join(f"{name} {value}" for name, value in changes.items()),
)
def test_other_cards_and_worse_days(changes: dict[str, float]) -> None:
    check(run(msgspec.structs.replace(CARD_24, arrivals=10_000, seed=7, **changes)))


def test_the_simulation_shows_a_gate_that_promises_more_than_there_is(monkeypatch: pytest.MonkeyPatch) -> None:
    """A gate that looks only at what is used now lets in whoever comes, and the ceiling is crossed."""
    monkeypatch.setattr(Ledger, "firm_room", lambda self, _: self.limit)
    monkeypatch.setattr(Ledger, "projected", lambda self, _: self.used)
    result = run(msgspec.structs.replace(CARD_24, arrivals=3000, every_s=1.0))
    assert result.highest_gb > result.limit_gb
    assert result.over_s > 0


@pytest.mark.parametrize(
    ("card", "alone", "with_f5", "with_both"), [(24, 47, 44, 26), (48, 143, 140, 121), (80, 270, 267, 249)]
)
def test_how_many_sessions_a_card_holds(card: int, alone: int, with_f5: int, with_both: int) -> None:
    need = 224 * MB
    assert holds(card, need, "llm") == alone
    assert holds(card, need, "llm", "f5") == with_f5
    assert holds(card, need, "llm", "f5", "cosyvoice") == with_both
    # by hand: the ceiling less the margin, less what is loaded, by what each needs
    assert alone == int((card * 0.87 - 10.44) * GB / need)
