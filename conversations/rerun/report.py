"""What re-runs came to: a table for people, figures for machines, and whether they are good enough."""

import unicodedata
from collections.abc import Callable, Iterable, Sequence

import msgspec

from conversations.rerun.compare import Compared, Texts, Times, percentile


class Outcome(msgspec.Struct, kw_only=True):
    """One conversation's re-run. ``error``: why it did not come about; empty when it did."""

    conversation_id: str
    fork_id: str = ""
    error: str = ""
    turns: list[Compared] = msgspec.field(default_factory=list)


class Figures(msgspec.Struct, frozen=True):
    """P50 and P95 of one step, then and now, in milliseconds; None where it was never measured."""

    then_p50: float | None = None
    then_p95: float | None = None
    now_p50: float | None = None
    now_p95: float | None = None


class Summary(msgspec.Struct, frozen=True, kw_only=True):
    """Over all turns of all conversations."""

    conversations: int
    not_run: int
    """Conversations that could not be run again."""
    turns: int
    skipped: int
    failed: int
    failed_then: int
    first_token: Figures
    first_sentence: Figures
    first_audio: Figures
    transcript: Figures
    word_error_rate: float | None
    similarity: float | None
    """Mean over the turns that were answered both times."""


class Thresholds(msgspec.Struct, frozen=True, kw_only=True):
    """What must hold for the exit status to be 0; None: not asked. Latencies are the P95 of the re-run, in ms."""

    first_token_ms: float | None = None
    first_sentence_ms: float | None = None
    first_audio_ms: float | None = None
    word_error_rate: float | None = None
    similarity: float | None = None
    failed: int | None = None


class Report(msgspec.Struct, frozen=True):
    """The JSON report."""

    summary: Summary
    broken: list[str]
    outcomes: list[Outcome]


def report(outcomes: Sequence[Outcome], thresholds: Thresholds) -> Report:
    summary = summarise(outcomes)
    return Report(summary, broken(summary, thresholds), list(outcomes))


def summarise(outcomes: Sequence[Outcome]) -> Summary:
    turns = [turn for outcome in outcomes for turn in outcome.turns]
    run = [turn for turn in turns if not turn.skipped]
    alike = [turn.similarity for turn in run if turn.similarity is not None]
    words = sum(turn.words for turn in run if turn.edits is not None)
    wrong = sum(turn.edits for turn in run if turn.edits is not None)
    return Summary(
        conversations=len(outcomes),
        not_run=sum(bool(outcome.error) for outcome in outcomes),
        turns=len(run),
        skipped=len(turns) - len(run),
        failed=sum(bool(turn.error) for turn in run),
        failed_then=sum(turn.failed_then for turn in run),
        first_token=_figures(run, lambda times: times.first_token_ms),
        first_sentence=_figures(run, lambda times: times.first_sentence_ms),
        first_audio=_figures(run, lambda times: times.first_audio_ms),
        transcript=_figures(run, lambda times: times.transcript_ms),
        word_error_rate=round(wrong / words, 4) if words else None,
        similarity=round(sum(alike) / len(alike), 3) if alike else None,
    )


def broken(summary: Summary, thresholds: Thresholds) -> list[str]:
    """A line for each threshold that does not hold; what could not be measured does not hold either."""
    most = (
        ("first token, P95 in ms", summary.first_token.now_p95, thresholds.first_token_ms),
        ("first sentence, P95 in ms", summary.first_sentence.now_p95, thresholds.first_sentence_ms),
        ("first audio, P95 in ms", summary.first_audio.now_p95, thresholds.first_audio_ms),
        ("word error rate", summary.word_error_rate, thresholds.word_error_rate),
        ("turns and conversations that failed", summary.failed + summary.not_run, thresholds.failed),
    )
    found = [
        f"{name}: {_number(value)}, at most {limit:g} was asked for"
        for name, value, limit in most
        if limit is not None and (value is None or value > limit)
    ]
    least = thresholds.similarity
    if least is not None and (summary.similarity is None or summary.similarity < least):
        found.append(f"similarity of the answers: {_number(summary.similarity)}, at least {least:g} was asked for")
    return found


def turn_lines(compared: Compared, texts: Texts) -> list[str]:
    """A turn for the terminal: both sides' words and times."""
    head = f"turn {compared.number}"
    if compared.skipped:
        return [f"{head}: {compared.skipped}, not run again"]
    then, now = compared.then, compared.now
    lines = [f"{head}{'':4}{'first token':>14}{'first sentence':>16}{'first audio':>13}{'transcript':>12}"]
    lines += [f"  {name:10}{_row(times)}" for name, times in (("then", then), ("now", now))]
    notes = []
    if compared.edits is not None:
        notes.append(f"{compared.edits} of {compared.words} words heard otherwise")
    if compared.similarity is not None:
        notes.append(f"answers alike: {compared.similarity:.0%}")
    if compared.error:
        notes.append(f"FAILED: {compared.error}")
    if notes:
        lines.append("  " + "; ".join(notes))
    lines.append(f"  user then  {_printable(texts.user_then)}")
    if texts.user_now != texts.user_then:
        lines.append(f"  user now   {_printable(texts.user_now)}")
    lines.append(f"  heard then {_printable(texts.reply_then)}")
    lines.append(f"  answer now {_printable(texts.reply_now)}")
    return lines


def summary_lines(summary: Summary) -> list[str]:
    """The summary for the terminal."""
    lines = [
        (
            f"{summary.conversations} conversations ({summary.not_run} not run), {summary.turns} turns, "
            f"{summary.skipped} skipped, {summary.failed} failed (then: {summary.failed_then})"
        ),
        f"{'ms from the words being known':32}{'then P50':>10}{'P95':>9}{'now P50':>10}{'P95':>9}",
    ]
    for name, figures in (
        ("first token", summary.first_token),
        ("first sentence", summary.first_sentence),
        ("first audio", summary.first_audio),
        ("(transcription itself)", summary.transcript),
    ):
        then = f"{_ms(figures.then_p50):>10}{_ms(figures.then_p95):>9}"
        lines.append(f"  {name:30}{then}{_ms(figures.now_p50):>10}{_ms(figures.now_p95):>9}")
    if summary.word_error_rate is not None:
        lines.append(f"word error rate of the new transcripts against the recorded ones: {summary.word_error_rate:.1%}")
    if summary.similarity is not None:
        lines.append(f"similarity of the answers: {summary.similarity:.0%}")
    return lines


def _figures(turns: Iterable[Compared], pick: Callable[[Times], float | None]) -> Figures:
    turns = list(turns)
    then = [value for turn in turns if (value := pick(turn.then)) is not None]
    now = [value for turn in turns if (value := pick(turn.now)) is not None]
    return Figures(*(_share(values, share) for values in (then, now) for share in (0.5, 0.95)))


def _share(values: Sequence[float], share: float) -> float | None:
    return round(percentile(values, share), 1) if values else None


def _row(times: Times) -> str:
    return (
        f"{_ms(times.first_token_ms):>12}{_ms(times.first_sentence_ms):>16}"
        f"{_ms(times.first_audio_ms):>13}{_ms(times.transcript_ms):>12}"
    )


def _ms(value: float | None) -> str:
    return "-" if value is None else f"{value:.0f}"


def _number(value: float | None) -> str:
    return "not measured" if value is None else f"{value:g}"


def _printable(text: str) -> str:
    """On one line, without characters that would command the terminal."""
    return "".join(" " if unicodedata.category(character)[0] in "CZ" else character for character in text).strip()
