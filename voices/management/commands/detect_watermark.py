"""``manage.py detect_watermark FILE``: whether a recording is cloned speech, and whether it was made here."""

from argparse import ArgumentParser
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec
from django.core.management.base import BaseCommand, CommandError

from inference.errors import EngineError
from inference.types import WatermarkFound
from voices.detection import heard, marked, ours, seconds
from voices.models import Utterance

_WAIT_S = 900.0
_MOST_BYTES = 25 * 1024 * 1024


class Trace(msgspec.Struct, frozen=True):
    """An utterance on record whose fingerprint the recording has."""

    id: str
    agreement: float
    """Part of the fingerprint's bits that agree, 0..1."""
    said_at: datetime
    voice: str
    """The profile's id; the conversation's where it was the person's own voice."""
    engine: str
    model: str


class Report(msgspec.Struct, frozen=True):
    """What ``--json`` prints. ``watermark`` is null where the mark could not be looked for: ``failure`` says why."""

    duration_s: float
    watermark: WatermarkFound | None
    failure: str | None
    utterances: list[Trace]


class Command(BaseCommand):
    help = "Says whether a recording carries the watermark of cloned speech, and whether it was spoken here."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path, help="a sound file of any usual format, ten minutes at most")
        parser.add_argument(
            "--json",
            action="store_true",
            help="the same for programs, with the ids, times, voices and engines of utterances",
        )
        parser.add_argument(
            "--wait", type=float, default=_WAIT_S, metavar="SECONDS", help="how long to wait for the detector to load"
        )

    def handle(self, *args: Any, file: Path, json: bool, wait: float, **options: Any) -> None:
        try:
            with file.open("rb") as opened:
                pcm = heard(opened.read(_MOST_BYTES + 1))
        except OSError as error:
            raise CommandError(f"{file} cannot be read: {error.strerror}.") from None
        except EngineError as error:
            raise CommandError(error.message) from None
        traces = _known(ours(pcm))
        failure = mark = None
        try:
            mark = marked(pcm, wait_s=wait, tell=self._tell_once())
        except EngineError as error:
            failure = error.message
        if json:
            self.stdout.write(msgspec.json.encode(Report(seconds(pcm), mark, failure, traces)).decode())
        else:
            self.stdout.write(f"{file.name}: {seconds(pcm):.1f} s of sound")
            if mark is not None:
                self.stdout.write(_mark_line(mark))
            self._say_traces(traces)
        if failure:
            raise CommandError(f"The watermark could not be looked for: {failure}")

    def _tell_once(self) -> Callable[[str], None]:
        told: set[str] = set()

        def tell(message: str) -> None:
            if message not in told:
                told.add(message)
                self.stderr.write(message)

        return tell

    def _say_traces(self, traces: list[Trace]) -> None:
        if not traces:
            self.stdout.write("fingerprint: of nothing that was said here in a cloned voice")
        for one in traces:
            self.stdout.write(
                f"fingerprint: of utterance {one.id}, {one.said_at:%Y-%m-%d %H:%M:%S %Z}, voice {one.voice}, "
                f"{one.engine} ({one.agreement:.0%} of the bits agree)"
            )


def _known(found: list[tuple[str, float]]) -> list[Trace]:
    rows = Utterance.objects.in_bulk([utterance_id for utterance_id, _ in found])
    return [
        Trace(row.id, score, row.opened_at, row.voice, row.engine, row.model)
        for utterance_id, score in found
        if (row := rows.get(utterance_id)) is not None
    ]


def _mark_line(mark: WatermarkFound) -> str:
    if mark.present:
        return f"watermark: present (confidence {mark.confidence:.2f}, in {mark.share:.0%} of the sound)"
    return f"watermark: none found (confidence {mark.confidence:.2f})"
