"""Counts and times in Prometheus' text format; labels are names of engines, never anything a person said."""

from collections import defaultdict
from collections.abc import Iterable, Mapping

from inference.types import SpeechMade

_BUCKETS_MS = (5.0, 10.0, 25.0, 50.0, 100.0, 250.0, 500.0, 1000.0, 2500.0, 5000.0, 10000.0)


class Histogram:
    """Milliseconds in fixed buckets, by one label."""

    def __init__(self, name: str, label: str, about: str) -> None:
        self._name, self._label, self._about = name, label, about
        self._counts: dict[str, list[int]] = defaultdict(lambda: [0] * (len(_BUCKETS_MS) + 1))
        self._sums: dict[str, float] = defaultdict(float)

    def observe(self, value: str, ms: float) -> None:
        place = next((i for i, bound in enumerate(_BUCKETS_MS) if ms <= bound), len(_BUCKETS_MS))
        self._counts[value][place] += 1
        self._sums[value] += ms

    def lines(self) -> Iterable[str]:
        yield f"# HELP {self._name} {self._about}"
        yield f"# TYPE {self._name} histogram"
        for value, counts in sorted(self._counts.items()):
            label = f'{self._label}="{_escaped(value)}"'
            total = 0
            for bound, count in zip(_BUCKETS_MS, counts, strict=False):
                total += count
                yield f'{self._name}_bucket{{{label},le="{bound:g}"}} {total}'
            total += counts[-1]
            yield f'{self._name}_bucket{{{label},le="+Inf"}} {total}'
            yield f"{self._name}_sum{{{label}}} {self._sums[value]:.3f}"
            yield f"{self._name}_count{{{label}}} {total}"


class Metrics:
    """All that the host measures about calls."""

    def __init__(self) -> None:
        self._waits = Histogram("avatar_engine_wait_ms", "engine", "Time work waited for the machine.")
        self._computes = Histogram("avatar_engine_compute_ms", "engine", "Time an engine computed.")
        self._first_tokens = Histogram("avatar_chat_first_token_ms", "engine", "Request to first piece of an answer.")
        self._outcomes: dict[tuple[str, str], int] = defaultdict(int)
        self._sentences: dict[tuple[str, str], int] = defaultdict(int)

    def computed(self, engine: str, *, wait_ms: float, compute_ms: float) -> None:
        self._waits.observe(engine, wait_ms)
        self._computes.observe(engine, compute_ms)

    def first_token(self, engine: str, ms: float) -> None:
        self._first_tokens.observe(engine, ms)

    def ended(self, route: str, outcome: str) -> None:
        """``outcome`` is ``ok``, ``cancelled`` or an error's code."""
        self._outcomes[route, outcome] += 1

    def said(self, made: SpeechMade) -> None:
        """A sentence has begun to be heard; ``fallback`` says why it is not the voice that was asked for."""
        self._sentences[made.engine, made.fallback] += 1

    def text(self, gauges: Mapping[str, float]) -> str:
        lines: list[str] = []
        for histogram in (self._waits, self._computes, self._first_tokens):
            lines.extend(histogram.lines())
        lines += ["# HELP avatar_requests_total Requests by route and outcome.", "# TYPE avatar_requests_total counter"]
        for (route, outcome), count in sorted(self._outcomes.items()):
            lines.append(f'avatar_requests_total{{route="{_escaped(route)}",outcome="{_escaped(outcome)}"}} {count}')
        lines += ["# HELP avatar_sentences_total Sentences by who said them.", "# TYPE avatar_sentences_total counter"]
        for (engine, fallback), count in sorted(self._sentences.items()):
            lines.append(f'avatar_sentences_total{{engine="{_escaped(engine)}",fallback="{fallback}"}} {count}')
        named = set()
        for key, value in gauges.items():
            name = key.partition("{")[0]
            if name not in named:
                named.add(name)
                lines.append(f"# TYPE {name} gauge")
            lines.append(f"{key} {value:g}")
        return "\n".join(lines) + "\n"


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", " ")
