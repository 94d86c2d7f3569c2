"""What a vLLM server says of itself at /metrics: waiting for the first token, its cache, who waits."""

import re
from collections import defaultdict

import msgspec

from inference.types import ChatFigures

_SAMPLE = re.compile(r"^vllm:(\w+?)(?:\{[^}]*\})? ([0-9.eE+-]+)$", re.MULTILINE)


class ServerTotals(msgspec.Struct, frozen=True):
    """Since the server's start, over all its engines."""

    first_tokens: int = 0
    first_token_s: float = 0.0
    """Summed over ``first_tokens`` answers."""
    kv_cache: float = 0.0
    """Share of the cache of keys and values in use, 0..1."""
    running: int = 0
    waiting: int = 0
    prefix_tokens: int = 0
    prefix_hits: int = 0
    """Of ``prefix_tokens`` asked for, so many were in the cache."""

    def figures(self, before: "ServerTotals") -> ChatFigures:
        """What happened between two looks; of the whole life when the server was started anew between them."""
        since = before if before.first_tokens <= self.first_tokens else ServerTotals()
        tokens, asked = self.first_tokens - since.first_tokens, self.prefix_tokens - since.prefix_tokens
        return ChatFigures(
            first_token_ms=round((self.first_token_s - since.first_token_s) / tokens * 1000, 1) if tokens else None,
            prefix_hits=round((self.prefix_hits - since.prefix_hits) / asked, 3) if asked > 0 else None,
            kv_cache=round(self.kv_cache, 4),
            running=self.running,
            waiting=self.waiting,
        )

    def gauges(self) -> dict[str, float]:
        """For our own /metrics, by name."""
        return {
            "avatar_vllm_first_token_seconds_sum": self.first_token_s,
            "avatar_vllm_first_token_seconds_count": self.first_tokens,
            "avatar_vllm_kv_cache_usage": self.kv_cache,
            'avatar_vllm_requests{state="running"}': self.running,
            'avatar_vllm_requests{state="waiting"}': self.waiting,
            'avatar_vllm_prefix_tokens{cached="asked"}': self.prefix_tokens,
            'avatar_vllm_prefix_tokens{cached="hit"}': self.prefix_hits,
        }


def read_totals(text: str) -> ServerTotals | None:
    """From Prometheus' text format; None when it is not vLLM's."""
    sums: dict[str, float] = defaultdict(float)
    largest: dict[str, float] = defaultdict(float)
    for name, value in _SAMPLE.findall(text):
        sums[name] += float(value)
        largest[name] = max(largest[name], float(value))
    if "time_to_first_token_seconds_count" not in sums:
        return None
    return ServerTotals(
        first_tokens=int(sums["time_to_first_token_seconds_count"]),
        first_token_s=sums["time_to_first_token_seconds_sum"],
        kv_cache=largest["kv_cache_usage_perc"],
        running=int(sums["num_requests_running"]),
        waiting=int(sums["num_requests_waiting"]),
        prefix_tokens=int(sums["prefix_cache_queries_total"]),
        prefix_hits=int(sums["prefix_cache_hits_total"]),
    )
