"""Voices for tests: made by their facts alone where no engine is asked, through the services where one is."""

import hashlib
from datetime import timedelta
from typing import Any
from uuid import uuid4

import numpy as np
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Permission
from django.utils import timezone

from inference.types import WIRE_RATE
from voices import record, services, sounds
from voices.events import ConsentAsked, ConsentGiven, SampleAdded, Scope, stream_of
from voices.models import Voice
from voices.sealed import pack_embedding

TRANSCRIPT = "The garden is quiet in the morning."
SECONDS = 4.0


def person(name: str, *permissions: str) -> Any:
    user = get_user_model().objects.create_user(name)
    user.user_permissions.set(Permission.objects.filter(codename__in=permissions))
    return user


def pcm(seconds: float = SECONDS, seed: int = 0) -> bytes:
    """Noise that stands for a sample where nobody listens; PCM16 mono at `WIRE_RATE`."""
    noise = np.random.default_rng(seed).normal(0, 2000, int(seconds * WIRE_RATE))
    return noise.astype("<i2").tobytes()


def direction(seed: int = 0) -> tuple[float, ...]:
    """An embedding that no engine made."""
    values = np.random.default_rng(seed).normal(size=256)
    return tuple((values / np.linalg.norm(values)).tolist())


def draft(owner: Any, name: str = "Ada", language: str = "en") -> str:
    return services.create(actor=owner, name=name, language=language)


def with_sample(owner: Any, name: str = "Ada", *, sound: bytes | None = None) -> str:
    """A profile whose sample was stored; returns its id."""
    voice_id = draft(owner, name)
    put_sample(owner, voice_id, sound)
    return voice_id


def put_sample(owner: Any, voice_id: str, sound: bytes | None = None) -> str:
    sound = pcm() if sound is None else sound
    sample_id = uuid4().hex
    audio_id = sounds.save_sample(Voice.objects.get(id=voice_id).id, sample_id, sound)
    fact = SampleAdded(
        sample_id=sample_id,
        audio_id=audio_id,
        digest=hashlib.sha256(sound).hexdigest(),
        duration_ms=len(sound) * 500 // WIRE_RATE,
        speech_ms=3500,
        loudness_lufs=-22.0,
        peak_db=-6.0,
        clipped=0.0,
        snr_db=40.0,
        language="en",
        confidence=0.9,
        model="whisper",
        transcript=TRANSCRIPT,
        embedding=pack_embedding(direction()),
    )
    record.write(lambda: record.append(stream_of(voice_id), fact, actor=owner, about=sample_id))
    return sample_id


def usable(owner: Any, name: str = "Ada", *, scope: Scope = "shared", days: float = 30) -> str:
    """A profile with a sample and a consent that holds for so many days."""
    voice_id = with_sample(owner, name)
    consent(owner, voice_id, scope=scope, days=days)
    return voice_id


def consent(owner: Any, voice_id: str, *, scope: Scope = "shared", days: float = 30) -> str:
    voice = Voice.objects.get(id=voice_id)
    challenge_id = uuid4().hex
    now = timezone.now()
    asked = ConsentAsked(
        challenge_id=challenge_id,
        sample_id=voice.sample_id,
        language="en",
        sentence="I lend my voice. My words are: one, two, three, four, five, six.",
        words=("one", "two", "three", "four", "five", "six"),
        scope=scope,
        days=max(1, round(days)),
        expires_at=(now + timedelta(minutes=2)).isoformat(),
    )
    given = ConsentGiven(
        challenge_id=challenge_id,
        audio_id=sounds.save(voice.id, challenge_id, pcm(1.0, seed=1)),
        transcript="one two three four five six",
        words_heard=6,
        similarity=0.9,
        threshold=0.75,
        until=(now + timedelta(days=days)).isoformat(),
    )

    def work() -> None:
        record.append(stream_of(voice_id), asked, actor=owner)
        record.append(stream_of(voice_id), given, actor=owner, about=challenge_id)

    record.write(work)
    return challenge_id


def shared(owner: Any, manager: Any, name: str = "Ada") -> str:
    """A profile that everybody may use."""
    voice_id = usable(owner, name)
    services.share(voice_id, actor=owner)
    services.approve(voice_id, actor=manager)
    return voice_id
