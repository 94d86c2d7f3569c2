"""A voice's rows from its facts."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from django.db.models import Q

from conversations.log.facts import Fact, fact_of
from conversations.log.keys import KeyRing
from conversations.log.models import Purpose
from conversations.log.types import RecordedEvent
from voices import events, sealed
from voices.events import voice_of
from voices.models import Consent, ConsentState, Rating, Sample, State, Voice
from voices.sealed import SampleWords

_FORGETTING = frozenset({events.SampleAdded.type, events.ConsentWithdrawn.type, events.VoiceDeleted.type})
"""Facts that end whatever consent stands."""


@dataclass(slots=True)
class Rows:
    """A voice's rows in memory: loaded from the tables, or empty to be folded from the first fact on.

    ``words`` are those of samples in clear, as far as they can be opened; None where they are erased.
    """

    ring: KeyRing
    voice: Voice | None = None
    samples: dict[str, Sample] = field(default_factory=dict)
    consents: dict[str, Consent] = field(default_factory=dict)
    ratings: dict[str, Rating] = field(default_factory=dict)
    words: dict[str, SampleWords | None] = field(default_factory=dict)

    @classmethod
    def load(cls, ring: KeyRing, recorded: Sequence[RecordedEvent] | None = None) -> "Rows":
        """All rows of the voice, or those that these events will change: a voice may have many ratings."""
        rows = cls(ring, Voice.objects.filter(id=UUID(voice_of(ring.stream))).first())
        if rows.voice is not None:
            rows.samples = {sample.id: sample for sample in Sample.objects.filter(voice=rows.voice)}
            consents = Consent.objects.filter(voice=rows.voice)
            if recorded is not None:
                named = {str(event.payload.get("challenge_id", "")) for event in recorded}
                standing = Q(state__in=(ConsentState.ASKED, ConsentState.GIVEN)) | ~Q(audio_id="")
                ending = any(event.type in _FORGETTING for event in recorded)
                consents = consents.filter(standing | Q(id__in=named) if ending else Q(id__in=named))
            rows.consents = {consent.id: consent for consent in consents}
            ratings = Rating.objects.filter(voice=rows.voice)
            if recorded is not None:
                raters = {event.metadata.actor for event in recorded if event.type == events.VoiceRated.type}
                ratings = ratings.filter(person__in=raters)
            rows.ratings = {rating.person: rating for rating in ratings}
        return rows

    def fold_all(self, recorded: Sequence[RecordedEvent]) -> None:
        """Takes events in. Raises `UnknownFact`."""
        for event in recorded:
            fact = fact_of(event)
            if self.voice is None:
                self.voice = _began(event, fact)
            self.voice.sequence = event.sequence
            if not isinstance(fact, events.VoiceHeard | events.VoiceRated):
                self.voice.updated_at = event.recorded_at
            self._take(self.voice, fact, event)

    def _take(self, voice: Voice, fact: Fact, event: RecordedEvent) -> None:
        match fact:
            case events.VoiceChanged():
                voice.language = fact.language
            case events.SampleAdded():
                self._forget_sounds()
                self.samples[fact.sample_id] = _sample(voice, fact, event.recorded_at)
                self.words[fact.sample_id] = None if event.redacted else SampleWords(fact.transcript, fact.embedding)
                voice.sample_id, voice.state = fact.sample_id, State.DRAFT
            case events.TranscriptCorrected():
                self._correct(fact, redacted=event.redacted)
            case events.VoiceRated():
                self._rate(voice, fact, event)
            case events.VoiceDeleted():
                self._forget_sounds()
                voice.state, voice.sample_id = State.DELETED, ""
            case events.ConsentAsked() | events.ConsentGiven() | events.ConsentRefused() | events.ConsentWithdrawn():
                self._consent(voice, fact, event.recorded_at)
            case _:
                _share(voice, fact, event)

    def _correct(self, fact: events.TranscriptCorrected, *, redacted: bool) -> None:
        sample = self.samples[fact.sample_id]
        sample.corrected = True
        known = self.words.get(sample.id) if sample.id in self.words else sealed.unseal(sample, self.ring)
        if known is not None and not redacted:
            self.words[sample.id] = SampleWords(fact.transcript, known.embedding)

    def _rate(self, voice: Voice, fact: events.VoiceRated, event: RecordedEvent) -> None:
        person = event.metadata.actor
        before = self.ratings.get(person)
        rating = before or Rating(voice=voice, person=person)
        voice.rating_count += 0 if before else 1
        voice.rating_sum += fact.score - (before.score if before else 0)
        rating.score, rating.rated_at = fact.score, event.recorded_at
        self.ratings[person] = rating

    def _consent(self, voice: Voice, fact: Fact, at: datetime) -> None:
        match fact:
            case events.ConsentAsked():
                self.consents[fact.challenge_id] = _asked(voice, fact, at)
            case events.ConsentGiven():
                given = self.consents[fact.challenge_id]
                given.state, given.judged_at, given.audio_id = ConsentState.GIVEN, at, fact.audio_id
                given.words_heard, given.similarity, given.threshold = (
                    fact.words_heard,
                    fact.similarity,
                    fact.threshold,
                )
                given.until = datetime.fromisoformat(fact.until)
                voice.consent_id, voice.consent_until = given.id, given.until
                voice.consent_scope = given.scope
                # One that is given again in time, for everybody, leaves what was decided about sharing.
                if voice.state == State.DRAFT or given.scope != "shared":
                    voice.state, voice.sharing_asked_at = State.USABLE, None
            case events.ConsentRefused():
                refused = self.consents[fact.challenge_id]
                refused.state, refused.judged_at, refused.reason = ConsentState.REFUSED, at, fact.reason
                refused.words_heard, refused.similarity = fact.words_heard, fact.similarity
                refused.threshold = fact.threshold
            case events.ConsentWithdrawn():
                self._forget_sounds()
                voice.sample_id = ""
                voice.state = State.REVOKED if voice.state == State.REVOKED else State.DRAFT
            case _:
                pass

    def _forget_sounds(self) -> None:
        """No sample holds from here on, and no consent that was given, or asked for, for one."""
        for sample in self.samples.values():
            sample.audio_id, sample.sealed = "", None
            self.words[sample.id] = None
        for consent in self.consents.values():
            consent.audio_id = ""
            if consent.state in {ConsentState.ASKED, ConsentState.GIVEN}:
                consent.state = ConsentState.WITHDRAWN
        if self.voice is not None:
            self.voice.consent_id = self.voice.consent_scope = ""
            self.voice.consent_until = self.voice.sharing_asked_at = None

    def seal(self) -> None:
        """Puts the words into their samples."""
        for sample_id, said in self.words.items():
            if said is not None:
                key = self.ring.data_key(sample_id, Purpose.WORDS, create=True)
                self.samples[sample_id].sealed = sealed.seal(said, key, sample_id)


def _began(event: RecordedEvent, fact: Fact) -> Voice:
    voice = Voice(id=UUID(voice_of(event.stream)), created_at=event.recorded_at, updated_at=event.recorded_at)
    match fact:
        case events.VoiceCreated():
            voice.owner_id, voice.language = UUID(fact.owner), fact.language
        case events.PresetNamed():
            voice.preset, voice.language, voice.state = fact.preset, fact.language, State.USABLE
        case _:
            raise ValueError(f"{event.stream} does not begin with the making of a voice")
    return voice


def _sample(voice: Voice, fact: events.SampleAdded, at: datetime) -> Sample:
    return Sample(
        id=fact.sample_id,
        voice=voice,
        added_at=at,
        audio_id=fact.audio_id,
        digest=fact.digest,
        duration_ms=fact.duration_ms,
        speech_ms=fact.speech_ms,
        loudness_lufs=fact.loudness_lufs,
        peak_db=fact.peak_db,
        clipped=fact.clipped,
        snr_db=fact.snr_db,
        language=fact.language,
        confidence=fact.confidence,
        model=fact.model,
    )


def _asked(voice: Voice, fact: events.ConsentAsked, at: datetime) -> Consent:
    return Consent(
        id=fact.challenge_id,
        voice=voice,
        sample_id=fact.sample_id,
        language=fact.language,
        sentence=fact.sentence,
        words=" ".join(fact.words),
        scope=fact.scope,
        days=fact.days,
        asked_at=at,
        expires_at=datetime.fromisoformat(fact.expires_at),
    )


def _share(voice: Voice, fact: Fact, event: RecordedEvent) -> None:
    match fact:
        case events.SharingAsked():
            voice.state, voice.sharing_asked_at = State.WAITING, event.recorded_at
        case events.SharingEnded():
            voice.state, voice.sharing_asked_at = State.USABLE, None
        case events.VoiceApproved():
            _decided(voice, State.APPROVED, fact.reason, event)
        case events.VoiceRejected():
            _decided(voice, State.REJECTED, fact.reason, event)
        case events.VoiceRevoked():
            _decided(voice, State.REVOKED, fact.reason, event)
        case _:
            pass


def _decided(voice: Voice, state: State, reason: str, event: RecordedEvent) -> None:
    voice.state, voice.decision_reason = state, reason
    voice.decided_by, voice.decided_at = event.metadata.actor, event.recorded_at
