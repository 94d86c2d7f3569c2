"""Parts of a voice as its owner and its managers see them."""

from django.utils import timezone

from conversations.log.codec import decode
from conversations.log.crypto import BoxDamaged
from conversations.log.keys import KeyRing
from conversations.log.models import Event
from voices import sealed
from voices.checks import verdict
from voices.events import VoiceApproved, VoiceRejected, VoiceRevoked, stream_of
from voices.models import Consent, ConsentState, Preview, Sample, State, Voice
from voices.sealed import SampleWords
from voices.types import Challenge, ConsentView, Decision, PreviewView, SampleReport

_DECISIONS = (VoiceApproved.type, VoiceRejected.type, VoiceRevoked.type)


def words_of(sample: Sample, ring: KeyRing) -> SampleWords | None:
    """Transcript and embedding; None once they were erased, or when what is stored is damaged."""
    try:
        return sealed.unseal(sample, ring)
    except BoxDamaged:
        return None


def report_of(voice: Voice, ring: KeyRing) -> SampleReport | None:
    """What was measured of the sample that is spoken from; None when there is none."""
    sample = Sample.objects.filter(id=voice.sample_id).first() if voice.sample_id else None
    if sample is None:
        return None
    words = words_of(sample, ring)
    measured = verdict.Measured(
        duration_s=sample.duration_ms / 1000,
        speech_s=sample.speech_ms / 1000,
        loudness_lufs=sample.loudness_lufs,
        peak_db=sample.peak_db,
        clipped=sample.clipped,
        snr_db=sample.snr_db,
    )
    said = verdict.Said(
        transcript=words.transcript if words is not None else "",
        language=sample.language,
        confidence=sample.confidence,
        corrected=sample.corrected,
    )
    return verdict.report(measured, said, wanted=voice.language, sample_id=sample.id, added_at=sample.added_at)


def open_challenge(voice: Voice) -> Challenge | None:
    """The sentence that may still be read."""
    asked = Consent.objects.filter(voice=voice, state=ConsentState.ASKED, expires_at__gt=timezone.now()).first()
    return challenge_of(asked) if asked is not None else None


def asked_last(voice: Voice) -> Challenge | None:
    """The sentence asked for last, unless a consent was given with it."""
    asked = Consent.objects.filter(voice=voice).order_by("-asked_at").first()
    open_or_refused = asked is not None and asked.state in {ConsentState.ASKED, ConsentState.REFUSED}
    return challenge_of(asked) if asked is not None and open_or_refused else None


def challenge_of(consent: Consent) -> Challenge:
    return Challenge(
        id=consent.id,
        language=consent.language,
        sentence=consent.sentence,
        words=tuple(consent.words.split()),
        scope="shared" if consent.scope == "shared" else "self",
        days=consent.days,
        expires_at=consent.expires_at,
    )


def standing_consent(voice: Voice) -> ConsentView | None:
    """The consent that holds; None when none was given, or it is over."""
    given = Consent.objects.filter(id=voice.consent_id).first() if voice.consent_id else None
    if given is None or given.until is None or given.until <= timezone.now():
        return None
    return ConsentView(
        id=given.id,
        given_at=given.judged_at or given.asked_at,
        until=given.until,
        scope="shared" if given.scope == "shared" else "self",
        sentence=given.sentence,
        words_heard=given.words_heard or 0,
        similarity=given.similarity or 0.0,
        threshold=given.threshold or 0.0,
    )


def decision_of(voice: Voice) -> Decision | None:
    """What a manager decided last, with the note to the owner; the note is in the log alone."""
    if voice.decided_at is None or voice.state not in {State.APPROVED, State.REJECTED, State.REVOKED}:
        return None
    stream = stream_of(voice.id)
    row = Event.objects.filter(stream=stream, type__in=_DECISIONS).order_by("-sequence").first()
    note = ""
    if row is not None:
        note = str(decode(row, KeyRing.load(stream, [""])).payload.get("note", ""))
    return Decision(reason=voice.decision_reason, note=note, at=voice.decided_at)


def preview_view(row: Preview, ring: KeyRing) -> PreviewView:
    try:
        text = sealed.unseal_text(row, ring)
    except BoxDamaged:
        text = ""
    return PreviewView(
        id=row.id,
        text=text,
        language=row.language,
        quality=row.quality,
        state=row.state,
        progress=row.progress,
        created_at=row.created_at,
        duration_ms=row.duration_ms,
        engine=row.engine,
        model=row.model,
        cloned=row.cloned,
        fallback=row.fallback,
        similarity=row.similarity,
        error=row.error,
    )
