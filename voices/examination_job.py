"""Looking whether a recording is of ours, in the task cluster: the fingerprints on record, then the watermark."""

import time
from datetime import timedelta

import msgspec
import structlog
from django.utils import timezone

from common.long_tasks import one_at_a_time
from conversations.log.crypto import BoxDamaged
from inference.audio import fingerprint
from inference.errors import EngineError
from voices import detection
from voices.models import Examination, PreviewState, Utterance
from voices.services import examinations

log = structlog.get_logger(__name__)
SLICE_S = 240.0
"""A task ends after this long and asks for the next; well within the cluster's own timeout."""
MARK_WITHIN = timedelta(minutes=15)
"""So long the detector is asked again: the first time its environment is made."""
MOST_MATCHES = 100
_AT_ONCE = 50
"""Utterances between two looks at the clock."""
_AGAIN_S = 5.0


@one_at_a_time
def work(examination_id: str, *, slice_s: float = SLICE_S) -> str:
    """What the task cluster calls; called again, after a crash say, it goes on where it was. What came of it."""
    row = Examination.objects.filter(id=examination_id).first()
    if row is None or row.over:
        return "nothing to do"
    _set(row, state=PreviewState.RUNNING)
    until = time.monotonic() + slice_s
    try:
        pcm = detection.heard(examinations.recording(row.id))
        whole = _compared(row, pcm, until) and _marked(row, pcm)
    except (OSError, BoxDamaged, EngineError) as error:
        log.warning("examination_failed", examination=row.id, kind=type(error).__name__)
        return _end(row, PreviewState.FAILED)
    if whole:
        return _end(row, PreviewState.DONE)
    examinations.enqueue(row.id)
    return "to be continued"


def _compared(row: Examination, pcm: bytes, until: float) -> bool:
    """With all utterances on record; False when the time was over before."""
    if row.total and row.compared >= row.total:
        return True
    wanted = fingerprint.compute(pcm)
    known = Utterance.objects.exclude(fingerprint="").order_by("id")
    if not row.total:
        _set(row, total=known.count() if wanted else 0)
    while wanted and (page := list(known.filter(id__gt=row.reached).values_list("id", "fingerprint")[:_AT_ONCE])):
        matches = sorted([*row.matches, *detection.among(wanted, page)], key=lambda match: -match[1])
        _set(row, matches=matches[:MOST_MATCHES], reached=page[-1][0], compared=row.compared + len(page))
        if time.monotonic() > until:
            return False
    return True


def _marked(row: Examination, pcm: bytes) -> bool:
    """False when the detector is being loaded: it is asked again later, and others have their turn meanwhile."""
    try:
        mark = detection.marked(pcm)
    except EngineError as error:
        _set(row, away=error.message[:300])
        if error.permanent or timezone.now() - row.created_at > MARK_WITHIN:
            return True
        time.sleep(_AGAIN_S)
        return False
    _set(row, mark=msgspec.to_builtins(mark), away="")
    return True


def _end(row: Examination, state: PreviewState) -> str:
    examinations.forget(row.id)
    _set(row, state=state)
    return str(state.value)


def _set(row: Examination, **values: object) -> None:
    """Changes these fields alone."""
    Examination.objects.filter(id=row.id).update(**values, updated_at=timezone.now())
    for name, value in values.items():
        setattr(row, name, value)
