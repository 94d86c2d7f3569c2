"""Trying a voice: made in the background, heard by the one who asked, gone with the voice."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import msgspec
import pytest
from django.conf import settings
from django.utils import timezone

from common import engine
from conversations.log.audio import AudioStore
from conversations.log.models import Key
from inference.audio import fingerprint
from inference.audio.opus import decode_opus
from inference.client import EngineClient
from inference.errors import VoiceStopped
from inference.types import WIRE_RATE, SpeechMade
from tests.voices import making
from tests.voices.speaking import LONG, room, said, wav
from voices import presets, preview_job, selectors, services, tasks
from voices.errors import Invalid, TooMany, VoiceNotFound
from voices.models import Preview, Utterance, Voice
from voices.services import previews

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.models, pytest.mark.usefixtures("engines")]


def clone(owner: Any) -> str:
    """A profile with a real sample; its consent is by facts."""
    voice_id = making.draft(owner)
    assert services.add_sample(voice_id, wav(room(said(LONG, "hibari-us"))), actor=owner).accepted
    making.consent(owner, voice_id)
    return voice_id


class StandIn:
    """In the place of a cloning engine: an embedded voice that is like the sample."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.made = SpeechMade(engine="stand-in", model="m", voice="r", cloned=True, watermarked=True)
        self.sound = said("Hello, this is how I sound to you today.", "hibari-us")
        self.meanwhile: Any = None
        self.asked: dict[str, Any] = {}
        monkeypatch.setattr(EngineClient, "speech", self._speech())

    def _speech(self) -> Any:
        outer = self

        @asynccontextmanager
        async def speech(client: EngineClient, text: str, **asked: Any) -> AsyncIterator["StandIn"]:
            outer.asked = asked
            yield outer

        return speech

    async def __aiter__(self) -> AsyncIterator[bytes]:
        half = len(self.sound) // 4 * 2
        yield self.sound[:half]
        if self.meanwhile is not None:
            await asyncio.to_thread(self.meanwhile)
        yield self.sound[half:]


def test_a_preset_is_tried_and_rated_like_any_voice() -> None:
    ada = making.person("ada")
    rows = {row.voice: row for row in selectors.presets(ada)}
    row = rows["hibari-us"]
    assert (row.kind, row.state, row.cloned, row.measured) == ("preset", "usable", False, True)
    asked = services.request_preview(row.id, actor=ada, text="Good morning.")
    assert (asked.state, asked.text) == ("queued", "Good morning.")
    assert preview_job.make(asked.id) == "done"
    assert preview_job.make(asked.id) == "nothing to do"
    made = selectors.preview(ada, asked.id)
    assert (made.state, made.engine, made.cloned, made.fallback, made.progress) == ("done", "hibari", False, "", 1.0)
    pcm = decode_opus(selectors.preview_audio(ada, asked.id).read())
    assert len(pcm) / 2 / WIRE_RATE == pytest.approx((made.duration_ms or 0) / 1000, abs=0.1)
    with pytest.raises(VoiceNotFound):
        selectors.preview(making.person("bob"), asked.id)
    services.rate(row.id, 6, actor=ada)
    services.rate("hibari-us", 8, actor=ada)
    rated = {row.voice: row for row in selectors.presets(ada)}["hibari-us"]
    assert (rated.rating.mean, rated.rating.count, rated.rating.own) == (8.0, 1, 8)
    assert Voice.objects.get(preset="hibari-us").id == presets.id_of("hibari-us")


def test_without_a_cloning_engine_an_embedded_voice_speaks_and_says_so() -> None:
    ada = making.person("ada")
    asked = services.request_preview(clone(ada), actor=ada)
    assert preview_job.make(asked.id) == "done"
    made = selectors.preview(ada, asked.id)
    assert made.fallback
    assert (made.cloned, made.similarity) == (False, None)
    assert not Utterance.objects.exists()


def test_a_cloned_preview_says_how_near_it_comes_and_leaves_its_provenance(monkeypatch: pytest.MonkeyPatch) -> None:
    ada = making.person("ada")
    voice_id = clone(ada)
    stand_in = StandIn(monkeypatch)
    asked = services.request_preview(voice_id, actor=ada, quality="fine")
    assert preview_job.make(asked.id) == "done"
    assert stand_in.asked["reference"] == selectors.reference_for(ada.pk, voice_id)
    assert stand_in.asked["quality"] == "fine"
    made = selectors.preview(ada, asked.id)
    assert made.cloned
    assert made.similarity is not None
    assert made.similarity > 0.75
    row = Utterance.objects.get()
    assert (row.voice, row.owner, row.speaker, row.door) == (voice_id, str(ada.pk), str(ada.pk), "preview")
    assert row.watermarked
    heard = fingerprint.compute(decode_opus(selectors.preview_audio(ada, asked.id).read()))
    assert fingerprint.match(row.fingerprint, heard).same


def test_a_voice_withdrawn_in_mid_sentence_leaves_no_preview(monkeypatch: pytest.MonkeyPatch) -> None:
    ada = making.person("ada")
    voice_id = clone(ada)
    stand_in = StandIn(monkeypatch)
    stand_in.meanwhile = lambda: services.withdraw_consent(voice_id, actor=ada)
    asked = services.request_preview(voice_id, actor=ada)
    before = {audio_id for audio_id, _, _ in AudioStore(settings.DATA_DIR / "audio").files()}
    assert preview_job.make(asked.id) in {"failed", "withdrawn"}
    assert not Preview.objects.exists()
    after = {audio_id for audio_id, _, _ in AudioStore(settings.DATA_DIR / "audio").files()}
    assert after < before


def test_a_preview_of_another_s_voice_is_heard_no_more_once_that_is_taken_back(monkeypatch: pytest.MonkeyPatch) -> None:
    ada, bob = making.person("ada"), making.person("bob")
    voice_id = making.shared(ada, making.person("mia", "approve_voice"))
    StandIn(monkeypatch)
    asked = services.request_preview(voice_id, actor=bob)
    assert preview_job.make(asked.id) == "done"
    assert selectors.preview_audio(bob, asked.id).read()
    services.unshare(voice_id, actor=ada)
    with pytest.raises(VoiceNotFound):
        selectors.preview_audio(bob, asked.id)
    assert selectors.previews(bob, voice_id) == ()


def test_a_preview_that_nobody_makes_any_more_is_given_up() -> None:
    ada = making.person("ada")
    for _ in range(3):
        services.request_preview("hibari-us", actor=ada)
    with pytest.raises(TooMany):
        services.request_preview("hibari-us", actor=ada)
    Preview.objects.update(updated_at=timezone.now() - previews.LOST_AFTER)
    assert tasks.give_up_previews() == "3 previews given up"
    assert services.request_preview("hibari-us", actor=ada).state == "queued"


def test_the_host_says_nothing_more_with_a_voice_that_was_withdrawn() -> None:
    ada = making.person("ada")
    voice_id = clone(ada)
    reference = selectors.reference_for(ada.pk, voice_id)
    services.withdraw_consent(voice_id, actor=ada)

    async def speak(client: EngineClient) -> None:
        async with client.speech("Hello.", voice="hibari-us", language="en", reference=reference) as speech:
            async for _ in speech:
                raise AssertionError("it spoke")

    with pytest.raises(VoiceStopped):
        engine.ask(speak)


def test_only_the_latest_previews_of_a_voice_are_kept() -> None:
    ada = making.person("ada")
    asked = []
    for number in range(7):
        asked.append(services.request_preview("hibari-us", actor=ada, text=f"Number {number}."))
        assert preview_job.make(asked[-1].id) == "done"
    kept = selectors.previews(ada, presets.id_of("hibari-us"))
    assert [preview.id for preview in kept] == [preview.id for preview in reversed(asked[-len(kept) :])]
    assert len(kept) == 5
    assert Preview.objects.exclude(audio_id="").count() == 5
    dropped = Key.objects.filter(turn__in=[preview.id for preview in asked[:2]])
    assert [key.wrapped for key in dropped] == [None] * 4, "what they said cannot be opened any more"


@pytest.mark.parametrize("wrong", [{"text": "x" * 301}, {"quality": "best"}, {"text": "a\x00b"}, {"language": "fr"}])
def test_a_preview_is_short_and_in_a_language_of_ours(wrong: dict[str, Any]) -> None:
    with pytest.raises(Invalid):
        services.request_preview("hibari-us", actor=making.person("ada"), **wrong)


def test_what_an_engine_cannot_say_fails_with_a_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    ada = making.person("ada")
    asked = services.request_preview("hibari-us", actor=ada)
    gone = msgspec.structs.replace(settings.INFERENCE, engine_url="unix:/tmp/avatar-nobody.sock")
    monkeypatch.setattr(settings, "INFERENCE", gone)
    assert preview_job.make(asked.id) == "failed"
    made = selectors.preview(ada, asked.id)
    assert (made.state, bool(made.error)) == ("failed", True)
