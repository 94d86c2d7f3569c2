"""Removing the files of sounds: those of what was erased, and those that a crash has left behind."""

import json
import time
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from uuid import UUID

from django.conf import settings

from conversations.events import ReplyHeard, UserSpoke
from conversations.log import sounds
from conversations.log.audio import AudioStore
from conversations.log.codec import decode_metadata
from conversations.log.models import Event, Key, Purpose

NAMING = (UserSpoke.type, ReplyHeard.type)
"""Facts that name a sound."""
GRACE_S = 3600.0
"""A file is on disk before the fact that names it. One that is older than this and unnamed was left by a crash."""
_CHUNK = 500


@dataclass(slots=True)
class Swept:
    """Files removed: their key was ``destroyed``, or no fact names them. Those of an ``unknown`` key are left alone."""

    destroyed: int = 0
    unnamed: int = 0
    unknown: int = 0


def remove_sounds(stream: str, turn_id: str = "") -> int:
    """Deletes the files of all sounds that the stream's facts name, or one turn's; returns how many there were.

    Only after their keys were destroyed.
    """
    audio = _audio()
    return sum(audio.delete(audio_id) for audio_id in named(stream, turn_id))


def named(stream: str, turn_id: str = "") -> set[str]:
    """The ids of all sounds that the facts of a stream, or of one turn, name."""
    rows = Event.objects.filter(stream=stream, type__in=NAMING)
    wanted = (row for row in rows if not turn_id or decode_metadata(row).correlation == turn_id)
    return {audio_id for row in wanted if (audio_id := json.loads(row.payload).get("audio_id", ""))}


def sweep(now: float | None = None) -> Swept:
    """Removes what nobody can hear any more. ``now`` is Unix time.

    A file whose key this database has never seen stays: somebody may have put back an older copy of the database.
    """
    now = time.time() if now is None else now
    audio, swept = _audio(), Swept()
    audio.remove_partial(before=now - GRACE_S)
    by_key: dict[UUID, list[str]] = defaultdict(list)
    for audio_id, key_id, written_at in audio.files():
        if written_at < now - GRACE_S:
            by_key[key_id].append(audio_id)
    streams: dict[str, list[str]] = defaultdict(list)
    for key_ids in _chunks(by_key):
        keys = {key.id: key for key in Key.objects.filter(id__in=key_ids)}
        gone = _gone({key.stream for key in keys.values()})
        for key_id in key_ids:
            key = keys.get(key_id)
            if key is None:
                swept.unknown += len(by_key[key_id])
            elif key.wrapped is None or key.stream in gone:
                swept.destroyed += _delete(audio, by_key[key_id])
            else:
                streams[key.stream] += by_key[key_id]
    for stream, audio_ids in streams.items():
        if sounds.is_known(stream):
            swept.unnamed += _delete(audio, set(audio_ids) - sounds.named(stream))
    return swept


def _gone(streams: set[str]) -> set[str]:
    """Those whose own key is destroyed."""
    rows = Key.objects.filter(stream__in=streams, purpose=Purpose.STREAM, wrapped__isnull=True)
    return set(rows.values_list("stream", flat=True))


def _delete(audio: AudioStore, audio_ids: Iterable[str]) -> int:
    return sum(audio.delete(audio_id) for audio_id in audio_ids)


def _chunks(keys: Iterable[UUID]) -> Iterator[list[UUID]]:
    every = list(keys)
    return (every[start : start + _CHUNK] for start in range(0, len(every), _CHUNK))


def _audio() -> AudioStore:
    return AudioStore(settings.DATA_DIR / "audio")
