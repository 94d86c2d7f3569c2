"""Remaking the read models of voices and of provenance from the log, or telling where they differ from it."""

from collections.abc import Iterator
from typing import Any
from uuid import UUID

from django.db.models import Model

from conversations.log import store
from conversations.log.crypto import BoxDamaged
from conversations.log.damage import DAMAGE, DAMAGED
from conversations.log.gentle import short_write
from conversations.log.keys import KeyRing
from conversations.log.models import Head
from voices import sealed
from voices.events import CATEGORY, PROVENANCE, provenance_stream, stream_of, voice_of
from voices.models import Consent, Preview, Sample, Utterance, Voice
from voices.projections import projector, provenance
from voices.projections.rows import Rows

_SKIPPED = ("id", "sealed")


def streams() -> list[str]:
    """All streams of voices and of provenance, and those of rows that have none in the log."""
    known = {
        stream
        for category in (CATEGORY, PROVENANCE)
        for stream in Head.objects.filter(stream__startswith=f"{category}-").values_list("stream", flat=True)
    }
    shown = {stream_of(pk) for pk in Voice.objects.values_list("pk", flat=True)}
    spoken = {provenance_stream(source) for source in Utterance.objects.values_list("source", flat=True).distinct()}
    return sorted(known | shown | spoken)


def differences(stream: str) -> list[str]:
    """Where a stream's rows are not what the log says; words are compared, never told."""
    try:
        return _look(stream)
    except DAMAGE:
        return [DAMAGED]


def _look(stream: str) -> list[str]:
    if stream.startswith(f"{PROVENANCE}-"):
        return _differences_of_provenance(stream)
    return _compare(Rows.load(KeyRing.load(stream)), _folded(stream))


def rebuild_all(wanted: list[str]) -> Iterator[tuple[str, list[str]]]:
    """Makes each stream's rows what the log says; tells what was different."""
    for stream in wanted:
        found = differences(stream)
        if found and found != [DAMAGED]:
            with short_write():  # Nothing is appended meanwhile: what came since is in the log that is read now.
                _replace(stream)
        yield stream, found


def _replace(stream: str) -> None:
    if stream.startswith(f"{PROVENANCE}-"):
        Utterance.objects.filter(source=voice_of(stream)).delete()
        Utterance.objects.bulk_create(_folded_provenance(stream).values())
        return
    rows = _folded(stream)
    projector.remove(rows)
    rows.seal()
    projector.write(rows)


def _folded(stream: str) -> Rows:
    rows = Rows(KeyRing.load(stream))
    rows.fold_all(store.read_stream(stream))
    return rows


def _folded_provenance(stream: str) -> dict[str, Utterance]:
    rows: dict[str, Utterance] = {}
    for event in store.read_stream(stream):
        row = provenance.fold(rows.get(str(event.payload.get("utterance_id", ""))), event)
        if row is not None:
            rows[row.id] = row
    return rows


def _differences_of_provenance(stream: str) -> list[str]:
    standing = {row.id: row for row in Utterance.objects.filter(source=voice_of(stream))}
    return _compare_all("utterance", standing, _folded_provenance(stream))


def _compare(standing: Rows, folded: Rows) -> list[str]:
    if standing.voice is None or folded.voice is None:
        if standing.voice is folded.voice:
            return []
        return ["the voice is missing" if standing.voice is None else "the log has no such voice"]
    found = _compare_all("voice", {"": standing.voice}, {"": folded.voice})
    found += _compare_all("sample", standing.samples, folded.samples)
    found += _compare_all("consent", standing.consents, folded.consents)
    found += _compare_all("rating", standing.ratings, folded.ratings)
    for sample_id in standing.samples.keys() & folded.samples.keys():
        if _words_differ(standing.samples[sample_id], folded):
            found.append(f"sample {sample_id}: the words differ")
    return found


def _words_differ(sample: Sample, folded: Rows) -> bool:
    try:
        return sealed.unseal(sample, folded.ring) != folded.words.get(sample.id)
    except BoxDamaged:
        return True


def _compare_all(kind: str, standing: dict[str, Any], folded: dict[str, Any]) -> list[str]:
    found = [
        f"{kind} {key} is {'missing' if key in folded else 'not in the log'}" for key in standing.keys() ^ folded.keys()
    ]
    for key in standing.keys() & folded.keys():
        found += [f"{kind} {key}: {name} differs" for name in _different(standing[key], folded[key])]
    return sorted(found)


def _different(standing: Model, remade: Model) -> list[str]:
    return [
        field.name
        for field in standing._meta.concrete_fields
        if field.name not in _SKIPPED
        and field.to_python(getattr(standing, field.attname)) != field.to_python(getattr(remade, field.attname))
    ]


def named_sounds(stream: str) -> set[str]:
    """The files of a voice's samples, consents and previews (`conversations.log.sounds`)."""
    key = UUID(voice_of(stream))
    rows = (Sample.objects.filter(voice_id=key), Consent.objects.filter(voice_id=key))
    previews = Preview.objects.filter(voice_key=key)
    return {audio_id for found in (*rows, previews) for audio_id in found.values_list("audio_id", flat=True)} - {""}
