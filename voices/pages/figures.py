"""What was measured of a sample, as people read it."""

import msgspec
from django.utils.formats import number_format
from django.utils.translation import gettext

from voices.types import SampleReport

LENGTH = frozenset({"too_short", "short"})
LEVEL = frozenset({"quiet", "loud"})
CLIPPING = frozenset({"clipped", "ruined"})
NOISE = frozenset({"noisy", "drowned"})
"""Codes of `voices.types.Advice` about each figure."""


class Figure(msgspec.Struct, frozen=True):
    """``poor``: what to do about it stands in the report's advice."""

    label: str
    value: str
    poor: bool


def figures_of(report: SampleReport) -> tuple[Figure, ...]:
    """Length, loudness, clipping and noise; which of them is poor is the report's own judgement."""
    poor = {one.code for one in report.advice}
    return (
        Figure(gettext("Speech"), f"{number_format(report.speech_s, 1)} s", bool(poor & LENGTH)),
        Figure(gettext("Loudness"), f"{number_format(report.loudness_lufs, 0)} LUFS", bool(poor & LEVEL)),
        Figure(gettext("Clipped"), f"{number_format(report.clipped * 100, 1)} %", bool(poor & CLIPPING)),
        Figure(gettext("Speech above noise"), f"{number_format(report.snr_db, 0)} dB", bool(poor & NOISE)),
    )
