"""Asking whether a recording is of ours; the task cluster looks (`voices.examination_job`).

Until then the recording waits in a file of its own, sealed with the master key; it goes with the answer.
"""

import os
import time
from datetime import timedelta
from pathlib import Path
from uuid import uuid4

from django.conf import settings
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django_q.tasks import async_task

from conversations.log import crypto
from inference.errors import AudioRefused
from voices import detection, refused_sound
from voices.access import Actor
from voices.errors import NotAllowed, TooMany
from voices.models import Examination, PreviewState

AT_ONCE = 2
"""Of one person."""
KEPT = timedelta(days=1)
LOST_AFTER = timedelta(hours=1)
"""One that has not moved for so long is looked at by nobody."""
_WAITING = (PreviewState.QUEUED, PreviewState.RUNNING)


def request_examination(data: bytes, *, actor: Actor) -> str:
    """Has a file of any format looked at; returns the id of the `Examination`.

    Raises `NotAllowed`, `TooMany`, and `Invalid` for what is no recording of ten minutes at most.
    """
    if not actor.has_perm("voices.detect_watermark"):
        raise NotAllowed(_("You may not ask whether recordings are of ours."))
    asked_by = str(actor.pk)
    if Examination.objects.filter(asked_by=asked_by, state__in=_WAITING).count() >= AT_ONCE:
        raise TooMany(_("%(most)s of your recordings are being looked at: let one end first."), most=AT_ONCE)
    try:
        pcm = detection.heard(data)
    except AudioRefused as error:
        raise refused_sound.invalid(error) from error
    examination_id, now = uuid4().hex, timezone.now()
    _write(examination_id, data)
    Examination.objects.create(
        id=examination_id,
        asked_by=asked_by,
        duration_s=detection.seconds(pcm),
        created_at=now,
        updated_at=now,
    )
    enqueue(examination_id)
    return examination_id


def enqueue(examination_id: str) -> None:
    async_task("voices.examination_job.work", examination_id, group="avatar: recording")


def find(examination_id: str, *, actor: Actor) -> Examination | None:
    """One that the actor has asked for."""
    return Examination.objects.filter(id=examination_id, asked_by=str(actor.pk)).first()


def recording(examination_id: str) -> bytes:
    """The file as it came. Raises `OSError` and `conversations.log.crypto.BoxDamaged` when it is there no more."""
    return crypto.unseal(crypto.master_key(), _path(examination_id).read_bytes(), examination_id.encode())


def forget(examination_id: str) -> None:
    """Deletes the recording."""
    _path(examination_id).unlink(missing_ok=True)


def tidy() -> int:
    """Ends what nobody looks at any more, and removes what is old; returns how many were ended."""
    now = timezone.now()
    lost = Examination.objects.filter(state__in=_WAITING, updated_at__lt=now - LOST_AFTER)
    ended = lost.update(state=PreviewState.FAILED, updated_at=now)
    Examination.objects.filter(created_at__lt=now - KEPT).delete()
    waiting = set(Examination.objects.filter(state__in=_WAITING).values_list("id", flat=True))
    before = time.time() - LOST_AFTER.total_seconds()
    for file in _folder().glob("*"):
        if file.name not in waiting and file.stat().st_mtime < before:
            file.unlink(missing_ok=True)
    return ended


def _write(examination_id: str, data: bytes) -> None:
    _folder().mkdir(mode=0o700, parents=True, exist_ok=True)
    descriptor = os.open(_path(examination_id), os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(crypto.seal(crypto.master_key(), data, examination_id.encode()))


def _path(examination_id: str) -> Path:
    return _folder() / examination_id


def _folder() -> Path:
    return Path(settings.DATA_DIR) / "examined"
