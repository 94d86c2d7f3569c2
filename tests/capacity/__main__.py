"""Makes the figures of docs/capacity.md: `python -m tests.capacity` (a few minutes)."""

import argparse
import re
import time
from collections.abc import Iterator
from pathlib import Path

import msgspec

from inference.env import BASE_DIR
from tests.capacity.plot import Layer, Line, stacked
from tests.capacity.run import Result, holds, run
from tests.capacity.world import GB, MB, Setup, World

_PAGE = BASE_DIR / "docs" / "capacity.md"
_PICTURE = BASE_DIR / "docs" / "capacity-24-gb.svg"
_HOURS = (2.0, 6.0)
_EVERY_S = 20
_KB_A_TOKEN = 56
DAYS = {
    "24 GB": Setup(),
    "24 GB, engines leak twenty times as fast": Setup(leaks=20.0),
    "24 GB, every second session ends without a word": Setup(crashing=0.5),
    "48 GB": Setup(card_gb=48, every_s=0.8),
    "80 GB": Setup(card_gb=80, every_s=0.45),
}
BEYOND = Setup(others_most=10 * GB, others_rate=1024 * MB, arrivals=50_000)


class Record:
    """What is in the picture: who held how much, every few seconds of some hours."""

    def __init__(self) -> None:
        self.hours: list[float] = []
        self.rows: list[tuple[float, ...]] = []

    def look(self, world: World) -> None:
        hour = world.env.now / 3600
        if not _HOURS[0] <= hour <= _HOURS[1] or int(world.env.now) % _EVERY_S:
            return
        card = world.card
        sessions = sum(card.held(lease) for lease in world.talking | world.silent)
        engines = [card.held(name) for name in ("llm", "f5", "cosyvoice")]
        others = card.used - sessions - sum(engines)
        self.hours.append(hour)
        self.rows.append(tuple(size / GB for size in (engines[0], sessions, others, engines[1], engines[2])))

    def picture(self, card_gb: float, limit_gb: float) -> str:
        names = ("LLM", "sessions", "other programs", "F5-TTS", "CosyVoice")
        colours = ("#3b6ea5", "#7fb069", "#b8b8b8", "#e6aa68", "#ca3c66")
        columns = zip(*self.rows, strict=True)
        layers = [Layer(*layer) for layer in zip(names, colours, map(list, columns), strict=True)]
        return stacked("Memory of a 24 GB card", self.hours, layers, [Line("ceiling, 90 %", limit_gb)], card_gb)


def _days(arrivals: int, record: Record) -> Iterator[str]:
    yield from _head(
        *("card", "arrivals", "came in", "most at once", "refused", "waited (P95, longest)", "fine speech given"),
        *("gave way: fine, clones", "highest use", "ceiling", "over it", "places leaked"),
    )
    for name, setup in DAYS.items():
        result = run(msgspec.structs.replace(setup, arrivals=arrivals), record.look if name == "24 GB" else None)
        if name == "24 GB":
            _PICTURE.write_text(record.picture(setup.card_gb, result.limit_gb), encoding="utf-8")
        yield _row(name, result)


def _row(name: str, result: Result) -> str:
    tally = result.tally
    leaked = tally.lost_places + result.places_left
    return (
        f"| {name} | {result.setup.arrivals:,} | {tally.granted:,} | {tally.most_sessions} | {tally.refused:,} "
        f"| {result.wait_s(0.95):.0f} s, {tally.longest_wait_s:.0f} s "
        f"| {tally.fine_asked - tally.fine_refused:,} of {tally.fine_asked:,} "
        f"| {tally.unloads.get('cosyvoice', 0):,}, {tally.unloads.get('f5', 0):,} "
        f"| {result.highest_gb:.1f} GB | {result.limit_gb:.1f} GB | {result.over_s:.0f} s | {leaked} |"
    )


def _cards() -> Iterator[str]:
    yield from _head(
        *("card", "tokens of a session (MB)", "LLM alone", "with F5-TTS", "with F5-TTS and CosyVoice"),
        "with F5-TTS, 3 GB kept for others",
    )
    for card in (24, 48, 80):
        for tokens in (2048, 4096, 8192):
            need = tokens * _KB_A_TOKEN * 1024
            cells = [
                holds(card, need, "llm"),
                holds(card, need, "llm", "f5"),
                holds(card, need, "llm", "f5", "cosyvoice"),
                holds(card, need, "llm", "f5", others=3 * GB),
            ]
            yield f"| {card} GB | {tokens:,} ({need // MB}) | " + " | ".join(str(cell) for cell in cells) + " |"


def _beyond() -> str:
    result = run(BEYOND)
    more = result.highest_gb > BEYOND.card_gb
    end = ", more than there is: whoever asked last would have been told that there is none." if more else "."
    return (
        f"Other programs that take up to 10 GB together, each up to 1 GB a second, where 3 GB were kept for them "
        f"({result.setup.arrivals:,} arrivals, {result.lasted_s / 3600:.0f} hours): the ceiling was crossed for "
        f"{result.over_s:,.0f} s altogether, the highest use was {result.highest_gb:.1f} of {BEYOND.card_gb:.0f} GB"
        f"{end}"
    )


def _head(*names: str) -> Iterator[str]:
    yield f"| {' | '.join(names)} |"
    yield "|" + " --- |" * len(names)


def _put(page: str, name: str, lines: list[str]) -> str:
    between = re.compile(rf"(<!-- {name} -->\n).*?(<!-- /{name} -->)", re.DOTALL)
    return between.sub(lambda found: found[1] + "\n".join(lines) + "\n" + found[2], page)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--arrivals", type=int, default=100_000)
    arrivals: int = parser.parse_args().arrivals
    began = time.monotonic()
    page = _PAGE.read_text(encoding="utf-8")
    page = _put(page, "cards", list(_cards()))
    page = _put(page, "days", list(_days(arrivals, Record())))
    page = _put(page, "beyond", [_beyond()])
    Path(_PAGE).write_text(page, encoding="utf-8")
    print(f"{_PAGE.name} and {_PICTURE.name} made in {time.monotonic() - began:.0f} s")


if __name__ == "__main__":
    main()
