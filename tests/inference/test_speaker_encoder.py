"""Who speaks: the real encoder on embedded voices, and the way there through the host."""

import math
import time

import numpy as np
import pytest

from inference import catalogue
from inference.audio.opus import decode_opus, encode_opus
from inference.audio.pcm import from_float, to_float
from inference.engines.base import Audio
from inference.engines.speaker_encoder import SpeakerEncoder, windows
from inference.errors import AudioRefused, EngineError, EngineUnavailable
from inference.speaker import SAME_SPEAKER, similarity
from inference.types import EMBEDDING_SIZE, STT_RATE
from tests.engine_host import RunningHost, ready
from tests.inference.served import served
from tests.inference.spoken import english, joined, mandarin, silence

FIRST = "The quick brown fox jumps over the lazy dog near the river."
SECOND = "I would like to book a table for two people tonight, please."
CHINESE = "今天天氣很好，我們一起去公園散步吧。"


@pytest.fixture(scope="module")
def encoder() -> SpeakerEncoder:
    encoder = SpeakerEncoder(catalogue.model_file("resemblyzer"))
    encoder.load(lambda _: None)
    return encoder


@pytest.mark.models
def test_one_voice_is_nearer_to_itself_than_to_others(encoder: SpeakerEncoder) -> None:
    voice = encoder.embed(english(FIRST))
    assert len(voice) == EMBEDDING_SIZE
    assert math.isclose(math.hypot(*voice), 1.0, abs_tol=1e-5)
    assert similarity(voice, encoder.embed(english(SECOND))) > SAME_SPEAKER
    assert similarity(voice, encoder.embed(mandarin(CHINESE))) < SAME_SPEAKER


@pytest.mark.models
def test_pauses_level_and_opus_make_little_difference(encoder: SpeakerEncoder) -> None:
    plain = encoder.embed(english(FIRST))
    pauses = joined(silence(2.0), english(FIRST), silence(3.0))
    opus = to_float(decode_opus(encode_opus(from_float(english(FIRST)), rate=STT_RATE), rate=STT_RATE))
    for other in (pauses, english(FIRST) * np.float32(0.05), opus):
        assert similarity(plain, encoder.embed(other)) > 0.8


@pytest.mark.models
@pytest.mark.parametrize("seconds", [0.0, 0.01, 0.2])
def test_too_little_speech_is_refused(encoder: SpeakerEncoder, seconds: float) -> None:
    with pytest.raises(AudioRefused, match="too little speech"):
        encoder.embed(english(FIRST)[: int(seconds * STT_RATE)])


@pytest.mark.models
@pytest.mark.parametrize("audio", [np.zeros(5 * STT_RATE, np.float32), np.full(5 * STT_RATE, np.nan, np.float32)])
def test_silence_and_no_numbers_are_refused(encoder: SpeakerEncoder, audio: Audio) -> None:
    with pytest.raises(AudioRefused, match="too little speech"):
        encoder.embed(audio)


@pytest.mark.models
def test_a_long_recording_is_embedded_in_overlapping_windows(encoder: SpeakerEncoder) -> None:
    speech = joined(*[english(FIRST)] * 8)
    assert windows(speech).shape[1:] == (160, 40)
    assert len(windows(speech)) > len(speech) / STT_RATE
    began = time.monotonic()
    assert similarity(encoder.embed(speech), encoder.embed(english(FIRST))) > 0.95
    assert time.monotonic() - began < 20


def test_before_it_is_loaded_it_is_unavailable() -> None:
    with pytest.raises(EngineUnavailable):
        SpeakerEncoder(catalogue.model_file("resemblyzer")).embed(silence(1.0))


def test_without_its_file_it_says_what_to_do() -> None:
    absent = SpeakerEncoder(catalogue.model_file("resemblyzer").with_name("absent.pt"))
    with pytest.raises(EngineError, match="models pull resemblyzer"):
        absent.load(lambda _: None)


def test_similarity_is_a_cosine() -> None:
    assert similarity((1.0, 0.0), (2.0, 0.0)) == pytest.approx(1.0)
    assert similarity((1.0, 0.0), (0.0, 3.0)) == 0.0
    assert similarity((0.0, 0.0), (0.0, 3.0)) == 0.0
    with pytest.raises(ValueError, match="shorter"):
        similarity((1.0, 0.0), (1.0,))


@pytest.mark.models
async def test_the_host_embeds_for_its_clients(engine_host: RunningHost, encoder: SpeakerEncoder) -> None:
    pcm = from_float(english(FIRST))
    async with engine_host.client() as client:
        await ready(client, "speaker")
        told = await client.embed(pcm)
        with pytest.raises(AudioRefused, match="too little speech"):
            await client.embed(b"\0\0" * STT_RATE)
    assert similarity(told, encoder.embed(to_float(pcm))) > 0.9999


@pytest.mark.parametrize("body", [b"", b"\0", b"\0\0" * (60 * STT_RATE + 1)])
async def test_what_is_no_minute_of_pcm_is_refused(body: bytes) -> None:
    async with served() as host:
        with pytest.raises(AudioRefused, match="at most a minute"):
            await host.client.embed(body)
