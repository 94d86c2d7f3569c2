"""The owner's consent, spoken: a sentence is asked for, read, and judged once (docs/adr/0115)."""

from datetime import datetime, timedelta
from typing import BinaryIO, Literal
from uuid import UUID, uuid4

from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from common.texts import Text, filled
from conversations.log.facts import Fact
from inference.audio.decode import DecodeLimits
from inference.audio.pcm import from_float
from inference.speaker import SAME_SPEAKER
from inference.types import Transcript
from voices import languages, record, sounds
from voices.access import Actor, owned
from voices.consent.sentence import WORDS_ASKED, make
from voices.errors import Invalid, TooMany, WrongState
from voices.events import ConsentAsked, ConsentGiven, ConsentRefused, Scope, stream_of
from voices.models import Consent, ConsentState, State, Voice
from voices.reading import challenge_of
from voices.services.judging import WORDS_NEEDED, Judged, embeddings_of, judge
from voices.services.samples import LARGEST_BYTES, decoded, transcribe
from voices.services.stopping import tell_stopped
from voices.types import Challenge, Verdict

WITHIN = timedelta(minutes=2)
DAYS, LONGEST_DAYS = 365, 730
LIMITS = DecodeLimits(max_bytes=LARGEST_BYTES, max_seconds=30.0, max_wall_s=15.0)
SENTENCES_AN_HOUR = 30
"""For one voice: each is judged by the engines, and stays in the record."""
_SAYS: dict[str, Text] = {
    "": _("Your consent counts: the voice is ready."),
    "wrong_words": _(
        "It did not count: %(heard)s of the %(asked)s words were heard in order, %(needed)s are needed. "
        "Ask for another sentence and read it calmly."
    ),
    "other_voice": _(
        "It did not count: the voice is not that of the sample (likeness %(figure)s, needed %(needed)s). "
        "The person of the sample has to read it."
    ),
    "expired": _("It did not count: the two minutes were over. Ask for another sentence."),
}
_Reason = Literal["wrong_words", "other_voice", "expired"]


def ask_consent(
    voice_id: str | UUID, *, actor: Actor, language: str = "", scope: Scope = "self", days: int = DAYS
) -> Challenge:
    """Makes the sentence that the owner is to read within two minutes; one that was asked for before counts no more.

    ``language``: the voice's own when empty. Raises `VoiceNotFound`, `WrongState` without a sample, `Invalid`.
    """
    if scope not in {"self", "shared"}:
        raise Invalid(_("A consent is for yourself (self) or for everybody here (shared)."), code="scope")
    if isinstance(days, bool) or not 1 <= days <= LONGEST_DAYS:
        raise Invalid(_("A consent holds for 1 to %(most)s days."), code="days", most=LONGEST_DAYS)
    challenge_id = uuid4().hex

    def work() -> None:
        voice = _with_sample(owned(actor, voice_id))
        lately = Consent.objects.filter(voice=voice, asked_at__gt=timezone.now() - timedelta(hours=1))
        if lately.count() >= SENTENCES_AN_HOUR:
            raise TooMany(_("%(most)s sentences an hour are enough: come back later."), most=SENTENCES_AN_HOUR)
        tongue = languages.checked(language or voice.language)
        sentence = make(tongue, scope)
        fact = ConsentAsked(
            challenge_id=challenge_id,
            sample_id=voice.sample_id,
            language=tongue,
            sentence=sentence.text,
            words=sentence.words,
            scope=scope,
            days=days,
            expires_at=(timezone.now() + WITHIN).isoformat(),
        )
        record.append(stream_of(voice.id), fact, actor=actor)

    record.write(work)
    return challenge_of(Consent.objects.get(id=challenge_id))


def give_consent(
    voice_id: str | UUID,
    challenge_id: str,
    data: bytes | BinaryIO,
    *,
    actor: Actor,
    received_at: datetime | None = None,
) -> Verdict:
    """Judges the recording of the sentence; whatever comes of it, the sentence is used up.

    A recording that is no sound, or no answer of the engines, leaves it open. ``received_at``: when it came in, where
    that was before this call. Raises `VoiceNotFound`, `WrongState` for a sentence that is not open, `Invalid`
    (``code="audio"``), `EngineError`.
    """
    came_at = received_at or timezone.now()
    voice = _with_sample(owned(actor, voice_id))
    asked = _open(voice, challenge_id)
    if came_at > asked.expires_at:
        return _refuse(voice, asked, "expired", None, actor)
    audio, _ = decoded(data, LIMITS)
    pcm = from_float(audio)
    sample = embeddings_of(voice)
    transcript = transcribe(pcm, asked.language)
    judged = judge(asked, transcript, pcm, sample)
    if judged.reason:
        return _refuse(voice, asked, judged.reason, judged, actor)
    return _accept(voice, asked, judged, transcript, pcm, actor)


def _accept(voice: Voice, asked: Consent, judged: Judged, transcript: Transcript, pcm: bytes, actor: Actor) -> Verdict:
    audio_id = sounds.save(voice.id, asked.id, pcm)
    until = timezone.now() + timedelta(days=asked.days)
    fact = ConsentGiven(
        challenge_id=asked.id,
        audio_id=audio_id,
        transcript=transcript.text,
        words_heard=judged.words_heard,
        similarity=judged.similarity or 0.0,
        threshold=SAME_SPEAKER,
        until=until.isoformat(),
    )
    try:
        _settle(voice, asked, fact, actor)
    except BaseException:
        record.sounds().delete(audio_id)
        raise
    if voice.state == State.APPROVED and asked.scope == "self":
        tell_stopped(voice.id, "unshared")
    return _verdict("", judged, until)


def _refuse(voice: Voice, asked: Consent, reason: _Reason, judged: Judged | None, actor: Actor) -> Verdict:
    fact = ConsentRefused(
        challenge_id=asked.id,
        reason=reason,
        words_heard=judged.words_heard if judged is not None else 0,
        similarity=judged.similarity if judged is not None else None,
        threshold=SAME_SPEAKER if judged is not None else None,
    )
    _settle(voice, asked, fact, actor)
    return _verdict(reason, judged, None)


def _settle(voice: Voice, asked: Consent, fact: Fact, actor: Actor) -> None:
    """Once: of two recordings that arrive together the second finds the sentence used up."""

    def work() -> None:
        standing = _with_sample(owned(actor, voice.id))
        _open(standing, asked.id)
        record.append(stream_of(voice.id), fact, actor=actor, about=asked.id if fact.personal else "")

    record.write(work)


def _verdict(reason: Literal["", _Reason], judged: Judged | None, until: datetime | None) -> Verdict:
    heard = judged.words_heard if judged is not None else 0
    near = judged.similarity if judged is not None else None
    figures: dict[str, object] = {"heard": heard, "asked": WORDS_ASKED, "needed": WORDS_NEEDED}
    if reason == "other_voice":
        figures = {"figure": f"{near or 0:.2f}", "needed": f"{SAME_SPEAKER:.2f}"}
    return Verdict(
        accepted=not reason,
        reason=reason,
        message=filled(_SAYS[reason], **figures),
        words_heard=heard,
        words_needed=WORDS_NEEDED,
        words_asked=WORDS_ASKED,
        similarity=near,
        threshold=SAME_SPEAKER if judged is not None else None,
        until=until,
    )


def _with_sample(voice: Voice) -> Voice:
    if voice.state == State.REVOKED:
        raise WrongState(_("This voice was revoked: a consent does not bring it back."), code="revoked")
    if not voice.sample_id:
        raise WrongState(_("Record a sample first: the consent is compared with it."), code="no_sample")
    return voice


def _open(voice: Voice, challenge_id: str) -> Consent:
    """A sentence of this voice's that was neither used, nor replaced by a later one, nor asked for another sample."""
    latest = Consent.objects.filter(voice=voice).order_by("-asked_at").first()
    if latest is None or latest.id != challenge_id or latest.state != ConsentState.ASKED:
        raise WrongState(_("This sentence was used, or replaced by another: ask for a new one."), code="challenge_used")
    if latest.sample_id != voice.sample_id:
        raise WrongState(_("The sample is another one now: ask for a new sentence."), code="challenge_used")
    return latest
