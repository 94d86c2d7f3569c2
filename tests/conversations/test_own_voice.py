"""The speaker's own voice: off until they agree, made of what they say in this session, and gone with it."""

import asyncio
import base64

import numpy as np

from conversations.events import SelfVoiceAllowed, SelfVoiceEnded, VoiceStopped
from conversations.realtime import own_sample
from conversations.realtime.own_sample import best, duration_s, heard, joined
from inference.errors import EngineUnavailable
from inference.types import WIRE_RATE
from tests.conversations.lenders import FakeLender
from tests.conversations.talker import Talker, loud, quiet, talking
from tests.fake_engines import FakeEngines


def noise(duration_s_: float, level: float = 0.1) -> bytes:
    samples = np.random.default_rng(5).normal(0, level * 32767, int(duration_s_ * WIRE_RATE))
    return samples.clip(-32767, 32767).astype("<i2").tobytes()


def one(turn: str, duration: float, confidence: float = 0.9, language: str = "en") -> own_sample.Heard:
    made = heard(turn, noise(duration), f"words of {turn}.", language, confidence)
    assert made is not None
    return made


async def say(t: Talker, duration_s_: float = 3.5) -> None:
    t.hear(loud(duration_s_) + quiet(1.5))
    await t.until("conversation.item.input_audio_transcription.completed")


async def agree(t: Talker, *, consent: bool = True) -> str:
    t.say("avatar.self_voice.update", consent=consent)
    return str((await t.until("avatar.self_voice.updated"))["state"])


def test_unsure_words_and_sound_that_is_quiet_clipped_or_too_long_do_not_serve() -> None:
    assert heard("a", noise(4), "Hello.", "en", 0.3) is None
    assert heard("a", noise(4), " ", "en", 0.9) is None
    assert heard("a", noise(4, 0.002), "Hello.", "en", 0.9) is None
    assert heard("a", noise(4, 2.0), "Hello.", "en", 0.9) is None
    assert heard("a", noise(14), "Hello.", "en", 0.9) is None
    assert heard("a", b"", "Hello.", "en", 0.9) is None


def test_the_silence_around_an_utterance_is_left_out() -> None:
    made = heard("a", quiet(1.0) + noise(4) + quiet(2.0), "Hello.", "en", 0.9)
    assert made is not None
    assert 4.0 <= made.duration_s <= 4.3


def test_less_than_three_seconds_are_not_enough_and_several_utterances_are() -> None:
    assert best([one("a", 2.0)]) == ()
    chosen = best([one("a", 2.0), one("b", 2.5)])
    assert [heard.turn_id for heard in chosen] == ["a", "b"]
    pcm, text = joined(chosen)
    assert text == "words of a. words of b."
    assert len(pcm) / 2 / WIRE_RATE == duration_s(chosen)


def test_the_surest_are_chosen_of_one_language_and_no_more_than_twelve_seconds() -> None:
    said = [one("a", 5.0, 0.6), one("b", 5.0, 0.95), one("c", 5.0, 0.9), one("d", 6.0, 0.99, "zh")]
    chosen = best(said)
    assert [heard.turn_id for heard in chosen] == ["b", "c"]
    assert duration_s(chosen) <= own_sample.MOST_S


async def test_nothing_is_made_of_what_is_said_before_the_speaker_agrees() -> None:
    async with talking(FakeEngines(heard=["my own words here."]), lender=FakeLender()) as t:
        await say(t)
        await t.until("response.done")
        assert await agree(t) == "collecting"
        assert t.session._rooms is not None
        assert not t.session._rooms.own_voice._heard
    assert set(t.engines.references) == {None}


async def test_answers_are_in_the_speaker_s_own_voice_once_enough_was_said() -> None:
    lender = FakeLender()
    engines = FakeEngines(heard=["my own words here."])
    async with talking(engines, lender=lender) as t:
        assert await agree(t) == "collecting"
        await say(t)
        assert (await t.until("avatar.self_voice.updated"))["state"] == "ready"
        await t.until("response.done")
        await say(t)
        await t.until("response.done")
        assert t.last("session.updated")["session"]["audio"]["output"]["voice"] == "self"
    references = [reference for reference in engines.references if reference is not None]
    assert references[0].transcript == "my own words here."
    assert 3.0 <= len(references[0].pcm) / 2 / WIRE_RATE <= 4.0
    assert references[-1].transcript == "my own words here. my own words here.", "more of it is better"
    opened = lender.open[-1]
    assert (opened.voice, opened.owner_id, opened.speaker_id) == ("self", "somebody", "somebody")
    assert [fact.reason for fact in t.record.of(SelfVoiceEnded)] == ["session_ended"]
    assert len(t.record.of(SelfVoiceAllowed)) == 1
    assert {reference.id for reference in references} <= set(engines.forgotten), "gone with the session"


async def test_consent_taken_back_stops_the_voice_at_once() -> None:
    engines = FakeEngines(heard=["my own words here."], replies=["A long sentence that goes on and on and on."])
    engines.seconds_per_letter = 0.1
    async with talking(engines, lender=FakeLender()) as t:
        await agree(t)
        await say(t)
        await t.until("response.output_audio.delta")
        t.say("response.cancel")
        await t.until("response.done")
        t.say("response.create")
        await t.until("response.output_audio.delta")
        assert t.last("avatar.speech")["cloned"]
        assert await agree(t, consent=False) in {"collecting", "off"}
        assert t.last("avatar.voice_stopped")["reason"] == "withdrawn"
        await asyncio.sleep(0.1)
        assert not t.last("avatar.speech")["cloned"]
    assert [fact.reason for fact in t.record.of(SelfVoiceEnded)] == ["withdrawn"]
    assert t.record.of(VoiceStopped)[0].voice == "self"
    assert {reference.id for reference in engines.references if reference is not None} <= set(engines.forgotten)


async def test_consent_taken_back_stops_an_answer_that_began_with_less_of_the_voice() -> None:
    engines = FakeEngines(heard=["my own words here."], replies=["A long sentence that goes on and on and on."])
    engines.seconds_per_letter = 0.1
    async with talking(engines, lender=FakeLender()) as t:
        await agree(t)
        await say(t)
        await t.until("response.output_audio.delta")
        t.say("response.cancel")
        await t.until("response.done")
        t.say("response.create")
        await t.until("response.output_audio.delta")
        assert t.session._rooms is not None
        own_voice = t.session._rooms.own_voice
        own_voice._heard.append(one("a later turn", 4.0))
        own_voice._make()  # the answer goes on in the one before
        used = [reference.id for reference in engines.references if reference is not None][-1]
        assert t.session._rooms.own_voice._references[-1] != used
        assert await agree(t, consent=False) in {"collecting", "off"}
        await asyncio.sleep(0.1)
        assert not t.last("avatar.speech")["cloned"], "said again in another voice"
        assert used in engines.forgotten, "at once, not when the session ends"


async def test_somebody_else_at_the_microphone_is_not_taken_for_the_speaker() -> None:
    engines = FakeEngines(heard=["my own words here.", "somebody else talks."])
    engines.voices_heard.extend([(0.0, 1.0)])
    async with talking(engines, lender=FakeLender()) as t:
        await agree(t)
        await say(t)
        await t.until("response.done")
        await say(t)
        await t.until("response.done")
    assert {one.transcript for one in engines.references if one is not None} == {"my own words here."}


async def test_sound_that_the_client_brings_along_was_not_said_here() -> None:
    async with talking(FakeEngines(heard=["anybody's words, from a file."]), lender=FakeLender()) as t:
        await agree(t)
        content = [{"type": "input_audio", "audio": base64.b64encode(noise(4.0)).decode()}]
        t.say("conversation.item.create", item={"type": "message", "role": "user", "content": content})
        await t.until("conversation.item.input_audio_transcription.completed")
        await asyncio.sleep(0.1)
        assert t.session._rooms is not None
        assert not t.session._rooms.own_voice._heard
        assert t.last("avatar.self_voice.updated")["state"] == "collecting"


async def test_a_voice_that_cannot_be_compared_is_not_made() -> None:
    engines = FakeEngines(heard=["my own words here."])
    engines.embed_error = EngineUnavailable("It is loading.")
    async with talking(engines, lender=FakeLender()) as t:
        await agree(t)
        await say(t)
        await t.until("response.done")
        assert t.last("avatar.self_voice.updated")["state"] == "collecting"
    assert set(engines.references) == {None}


async def test_a_turn_that_is_deleted_serves_no_longer() -> None:
    engines = FakeEngines(heard=["my own words here."])
    async with talking(engines, lender=FakeLender()) as t:
        await agree(t)
        await say(t)
        item = t.last("conversation.item.input_audio_transcription.completed")["item_id"]
        await t.until("response.done")
        t.say("conversation.item.delete", item_id=item)
        assert (await t.until("avatar.voice_stopped"))["reason"] == "redacted"
        assert (await t.until("avatar.self_voice.updated"))["state"] == "collecting"


async def test_where_nothing_can_be_cloned_it_is_said_so() -> None:
    without = FakeEngines()
    without.cloning = ()
    for engines, lender in ((FakeEngines(), None), (without, FakeLender())):
        async with talking(engines, lender=lender) as t:
            assert await agree(t) == "refused"
        assert t.record.of(SelfVoiceAllowed) == []
