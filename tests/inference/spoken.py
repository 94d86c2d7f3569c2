"""Speech made at test time with the embedded voices."""

import functools

import numpy as np

from inference import catalogue
from inference.audio.pcm import to_float
from inference.audio.resample import resample
from inference.engines.base import Audio, TextToSpeech
from inference.engines.hibari import HibariEngine
from inference.engines.kokoro import KokoroEngine
from inference.types import STT_RATE, WIRE_RATE


@functools.cache
def english(text: str, speed: float = 1.0) -> Audio:
    """``text`` as hibari says it; float32, mono, `STT_RATE`, without the silence around it."""
    return _trimmed(_said(_hibari(), text, "hibari-us", "en", speed))


@functools.cache
def mandarin(text: str, voice: str = "zf_xiaoxiao", speed: float = 1.0) -> Audio:
    """``text`` as one of Kokoro's Mandarin voices says it."""
    return _trimmed(_said(_kokoro(), text, voice, "zh-TW", speed))


def silence(seconds: float, level: float = 0.0005) -> Audio:
    """A quiet room: faint white noise, the same each time."""
    noise = np.random.default_rng(0).normal(0, level, int(seconds * STT_RATE))
    return noise.astype(np.float32)


def joined(*pieces: Audio) -> Audio:
    return np.concatenate(pieces).astype(np.float32)


def _said(engine: TextToSpeech, text: str, voice: str, language: str, speed: float) -> Audio:
    pcm = b"".join(engine.synthesize(text, voice=voice, language=language, speed=speed))
    return to_float(resample(pcm, WIRE_RATE, STT_RATE))


def _trimmed(audio: Audio) -> Audio:
    loud = np.flatnonzero(np.abs(audio) > 0.01)
    return audio[loud[0] : loud[-1] + 1]


@functools.cache
def _hibari() -> HibariEngine:
    engine = HibariEngine()
    engine.load(lambda _: None)
    return engine


@functools.cache
def _kokoro() -> KokoroEngine:
    engine = KokoroEngine(catalogue.locate("kokoro"), threads=2)
    engine.load(lambda _: None)
    return engine
