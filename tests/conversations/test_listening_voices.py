"""The real voice activity model and spoken words: what is a turn, when it begins and ends."""

import time

import numpy as np
import pytest
from faster_whisper.vad import SileroVADModel

from conversations.realtime.listening.articulation import is_hum
from conversations.realtime.listening.resample import Downsampler
from conversations.realtime.listening.settings import TurnSettings
from conversations.realtime.turn_events import (
    BargeInConfirmed,
    BargeInDropped,
    BargeInSuspected,
    SpeechPaused,
    SpeechStarted,
    SpeechStopped,
)
from inference.audio import vad
from tests.conversations.listening import MS, Session, Sound, assistant, mixed, silence, user

pytestmark = pytest.mark.models
FIXED = TurnSettings(silence_duration_ms=500)


def heard(sound: Sound, settings: TurnSettings = FIXED) -> Session:
    return Session(vad.load(), settings).hear(sound)


@pytest.mark.parametrize("voice", [assistant, user])
def test_a_question_is_one_turn_found_where_it_is(voice: object) -> None:
    words: Sound = voice("What time is it in Tokyo right now?")  # type: ignore[operator]
    end = 1_000 + len(words) // MS
    session = heard(mixed((1_000, words), length_ms=end + 2_000))
    assert session.names.count("SpeechStarted") == session.names.count("SpeechStopped") == 1
    (started,), (stopped,) = session.of(SpeechStarted), session.of(SpeechStopped)
    assert isinstance(started, SpeechStarted)
    assert isinstance(stopped, SpeechStopped)
    assert started.start_ms <= 1_000
    assert abs(stopped.speech_end_ms - end) <= 96
    assert stopped.end_ms == stopped.speech_end_ms + 500


def test_a_pause_is_told_within_a_tenth_of_a_second_and_a_bit() -> None:
    delays = []
    for text in ("Should I get a dog or a cat?", "Tell me a joke about penguins.", "How far is it to the moon?"):
        words = user(text)
        end = 1_000 + len(words) // MS
        delays.append(heard(mixed((1_000, words), length_ms=end + 2_000)).when(SpeechPaused)[-1] - end)
    assert max(delays) <= 160


@pytest.mark.parametrize("word", ["Yes.", "No.", "Okay."])
def test_a_single_word_is_a_turn(word: str) -> None:
    for voice in (assistant, user):
        assert heard(mixed((1_000, voice(word)), length_ms=4_000)).names.count("SpeechStopped") == 1


def test_a_word_of_a_quarter_of_a_second_is_a_turn() -> None:
    for text in ("Yes.", "No.", "Okay."):
        word = assistant(text, 1.6)[: 250 * MS]
        assert heard(mixed((1_000, word), length_ms=4_000)).names.count("SpeechStopped") == 1


def test_the_model_hears_what_its_makers_code_hears() -> None:
    """faster-whisper runs the same file over a whole recording at once."""
    samples = Downsampler().feed(
        mixed((500, user("What time is it in Tokyo?"))).astype(np.float32)[: 768 * 60]
    ) / np.float32(32768)
    expected = SileroVADModel(str(vad.bundled()))(samples)
    stream = vad.load().stream()
    heard_now = [stream.probability(samples[start : start + 512]) for start in range(0, len(samples), 512)]
    assert np.allclose(heard_now, np.ravel(expected), atol=1e-3)


def test_neither_silence_nor_noise_nor_clicks_nor_tones_are_turns() -> None:
    rng = np.random.default_rng(4)
    hiss = rng.normal(0, 500, 3_000 * MS)
    clicks = [(at, rng.normal(0, 9_000, 15 * MS)) for at in range(500, 5_000, 700)]
    tone = np.sin(np.arange(2_000 * MS) * 2 * np.pi * 440 / 24_000) * 6_000
    for sound in (silence(5_000), silence(5_000, 30.0), mixed((1_000, hiss)), mixed(*clicks), mixed((1_000, tone))):
        assert heard(mixed((0, sound), length_ms=6_000)).names == []


def test_quiet_speech_is_heard() -> None:
    words = user("Should I get a dog or a cat?").astype(np.float64) * 0.05
    assert heard(mixed((1_000, words), length_ms=5_000)).names.count("SpeechStopped") == 1


def test_real_speech_in_any_chunks_gives_the_same_turns() -> None:
    words = user("Wait a moment please, I have another question.")
    sound = mixed((700, words), length_ms=6_000)
    expected = Session(vad.load()).hear(sound, chunk=len(sound)).of(object)
    for chunk in (7, 480, 511, 2_400, 24_000):
        assert Session(vad.load()).hear(sound, chunk=chunk).of(object) == expected


def test_words_over_an_answer_interrupt_it_in_time() -> None:
    for text in ("Wait a moment please, I have another question.", "What is the weather like tomorrow?"):
        for voice in (assistant, user):
            session = Session(vad.load(), FIXED)
            session.answer(silence(8_000), 0)
            session.hear(mixed((2_000, voice(text)), length_ms=9_000))
            assert session.when(BargeInSuspected)[0] - 2_000 <= 300
            assert 400 <= session.when(BargeInConfirmed)[0] - 2_000 <= 1_000
            assert session.names.count("SpeechStopped") == 1


@pytest.mark.parametrize("sound", ["Mm-hmm.", "Mhm.", "Hmm."])
def test_a_back_channel_lets_the_answer_go_on(sound: str) -> None:
    for voice in (assistant, user):
        session = Session(vad.load(), FIXED)
        session.answer(silence(8_000), 0)
        session.hear(mixed((2_000, voice(sound)), length_ms=9_000))
        assert session.of(SpeechStarted) == []
        assert len(session.of(BargeInSuspected)) == len(session.of(BargeInDropped))


def test_sentences_articulate_and_hums_do_not() -> None:
    assert is_hum(assistant("Mm-hmm.").tobytes())
    sentences = ("Wait a moment please.", "What is the weather like?", "Actually, could you tell me more?")
    assert not any(is_hum(voice(text)[: 400 * MS].tobytes()) for text in sentences for voice in (assistant, user))


def test_listening_costs_little() -> None:
    """Less than 2 % of a core each, so that ten microphones fit beside everything else (0.6 % on the first machine)."""
    sound = mixed((500, user("Wait a moment please, I have another question.")), length_ms=20_000)
    session = Session(vad.load(), FIXED)
    begin = time.thread_time()
    session.hear(sound)
    assert (time.thread_time() - begin) / 20 < 0.02


def test_one_model_serves_all_streams_and_none_hears_the_other() -> None:
    assert vad.load() is vad.load()
    speech = mixed((500, user("Yes.")), length_ms=3_000)
    talking, quiet = Session(vad.load(), FIXED), Session(vad.load(), FIXED)
    for start in range(0, len(speech), 480):
        talking.hear(speech[start : start + 480])
        quiet.hear(silence(20))
    assert talking.names.count("SpeechStopped") == 1
    assert quiet.names == []
