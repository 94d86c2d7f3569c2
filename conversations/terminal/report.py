"""The KPI table of a measurement."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from conversations.terminal.bench import Outcome, Plan
from conversations.terminal.memory import slope_mb_per_min
from conversations.terminal.turn_watch import BARGE_IN, STEPS

CLIENT_STEPS = {
    "speech_stopped": "speech_stopped",
    "transcript": "transcript",
    "first_text": "first text",
    "first_audio": "first audio",
    "done": "answer complete",
}


def percentiles(values: Sequence[float]) -> dict[str, float]:
    """``n``, ``p50``, ``p95``, ``max``, linear between neighbours."""
    p50, p95 = np.percentile(values, [50, 95])
    return {"n": len(values), "p50": round(float(p50), 1), "p95": round(float(p95), 1), "max": round(max(values), 1)}


def summary(plan: Plan, outcome: Outcome) -> dict[str, Any]:
    """The figures as JSON-ready values."""
    client = {
        step: percentiles(values)
        for step in STEPS
        if (values := [t.ms[step] for t in outcome.turns if t.ms.get(step, -1) >= 0])
    }
    names = sorted({name for turn in outcome.turns for name in turn.server_ms})
    server = {name: percentiles([t.server_ms[name] for t in outcome.turns if name in t.server_ms]) for name in names}
    barge_in = {
        step: percentiles(values)
        for step in BARGE_IN
        if (values := [t.barge_in_ms[step] for t in outcome.turns if step in t.barge_in_ms])
    }
    pss = [s.pss_mb for s in outcome.memory]
    return {
        "sessions": plan.sessions,
        "turns": len(outcome.turns),
        "expected_turns": None if plan.minutes else plan.sessions * plan.turns,
        "took_s": round(outcome.took_s, 1),
        "from_true_end_of_speech_ms": client,
        "server_waterfall_ms": server,
        "barge_in_from_first_sound_ms": barge_in,
        "turn_errors": sum(bool(t.errors) for t in outcome.turns),
        "errors": sorted({e for t in outcome.turns for e in t.errors} | set(outcome.errors)),
        "turns_split": sum(t.splits > 0 for t in outcome.turns),
        "underrun_ms_max": max((t.underrun_ms for t in outcome.turns), default=0.0),
        "audio_s": round(sum(t.audio_s for t in outcome.turns), 1),
        "memory_pss_mb": {"max": round(max(pss), 1), "last": round(pss[-1], 1)} if pss else None,
        "memory_slope_mb_per_min": slope_mb_per_min(outcome.memory),
        "client_late_ms_max": round(outcome.late_ms, 1),
    }


def failed(figures: Mapping[str, Any]) -> bool:
    missing = figures["expected_turns"] is not None and figures["turns"] < figures["expected_turns"]
    return bool(figures["errors"] or missing or not figures["turns"])


def table(figures: Mapping[str, Any]) -> str:
    """For the terminal."""
    lines = [
        f"{figures['sessions']} session(s), {figures['turns']} turns in {figures['took_s']} s",
        f"{'ms from the true end of speech':34}{'P50':>9}{'P95':>9}{'max':>9}{'n':>6}",
    ]
    for step, label in CLIENT_STEPS.items():
        lines.append(_row(label, figures["from_true_end_of_speech_ms"].get(step)))
    lines.append("the server's own waterfall")
    lines += [_row(name, row) for name, row in figures["server_waterfall_ms"].items()]
    if barge_in := figures["barge_in_from_first_sound_ms"]:
        lines.append("speech over an answer, ms from its true beginning")
        lines += [_row(name, row) for name, row in barge_in.items()]
    lines.append(
        f"turns with errors {figures['turn_errors']}, split {figures['turns_split']}, "
        f"longest underrun {figures['underrun_ms_max']} ms, sound {figures['audio_s']} s"
    )
    if memory := figures["memory_pss_mb"]:
        slope = figures["memory_slope_mb_per_min"]
        drift = f", slope {slope:+.2f} MB/min" if slope is not None else ""
        lines.append(f"memory (summed PSS) at most {memory['max']} MB, at the end {memory['last']} MB{drift}")
    else:
        lines.append("memory: not measured (give --server-pid, or run beside `make run`)")
    if figures["client_late_ms_max"] > 50:
        lines.append(f"the measuring client itself was up to {figures['client_late_ms_max']} ms late: a busy machine")
    lines += [f"  error: {error}" for error in figures["errors"]]
    return "\n".join(lines)


def _row(label: str, row: Mapping[str, float] | None) -> str:
    if not row:
        return f"  {label:32}{'-':>9}"
    return f"  {label:32}{row['p50']:9.0f}{row['p95']:9.0f}{row['max']:9.0f}{row['n']:6.0f}"
