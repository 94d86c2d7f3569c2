"""A sound is known again by its fingerprint: cut out, re-encoded, quieter, amid others; and others are not."""

import base64
import tracemalloc

import numpy as np
import pytest

from inference import catalogue
from inference.audio.fingerprint import NO_MATCH, SAME_SOUND, compute, match
from inference.audio.pcm import from_float, to_float
from inference.engines.hibari import HibariEngine
from inference.engines.kokoro import KokoroEngine
from inference.types import WIRE_RATE
from tests.inference.sound_files import opus_again

pytestmark = pytest.mark.models

FIRST = "The quick brown fox jumps over the lazy dog near the river."
SECOND = "I would like to book a table for two people tonight, please."


@pytest.fixture(scope="module")
def sounds() -> dict[str, bytes]:
    hibari = HibariEngine()
    hibari.load(lambda _: None)
    kokoro = KokoroEngine(catalogue.locate("kokoro"), threads=2)
    kokoro.load(lambda _: None)
    said = {
        "first": hibari.synthesize(FIRST, voice="hibari-us", language="en", speed=1.0),
        "second": hibari.synthesize(SECOND, voice="hibari-us", language="en", speed=1.0),
        "other voice": kokoro.synthesize(FIRST, voice="am_onyx", language="en", speed=1.0),
    }
    return {name: b"".join(pieces) for name, pieces in said.items()}


def seconds(pcm: bytes, start: float, end: float) -> bytes:
    return pcm[int(start * WIRE_RATE) * 2 : int(end * WIRE_RATE) * 2]


def test_the_same_sound_matches_wholly(sounds: dict[str, bytes]) -> None:
    found = match(compute(sounds["first"]), compute(sounds["first"]))
    assert found.score == 1.0
    assert found.offset_s == 0.0
    assert found.overlap_s > 2.0


@pytest.mark.parametrize("rate", [12_000, 16_000, 24_000])
def test_after_opus_it_is_the_same(sounds: dict[str, bytes], rate: int) -> None:
    assert match(compute(sounds["first"]), compute(opus_again(sounds["first"], rate))).same


def test_two_seconds_out_of_the_middle_are_known_and_placed(sounds: dict[str, bytes]) -> None:
    found = match(compute(sounds["first"]), compute(opus_again(seconds(sounds["first"], 0.8, 2.8), 16_000)))
    assert found.same
    assert found.offset_s == pytest.approx(0.8, abs=0.05)


def test_it_is_found_amid_other_speech(sounds: dict[str, bytes]) -> None:
    before = len(sounds["second"]) / 2 / WIRE_RATE
    recording = opus_again(sounds["second"] + sounds["first"] + sounds["other voice"], 16_000)
    found = match(compute(recording), compute(sounds["first"]))
    assert found.same
    assert found.offset_s == pytest.approx(before, abs=0.05)
    assert match(compute(sounds["first"]), compute(recording)).offset_s == pytest.approx(-before, abs=0.05)


def test_quieter_and_in_noise_it_is_the_same(sounds: dict[str, bytes]) -> None:
    quiet = to_float(sounds["first"]) * 0.1
    noise = np.random.default_rng(0).normal(0, float(np.std(quiet)) / 4, len(quiet))
    assert match(compute(sounds["first"]), compute(from_float((quiet + noise).astype(np.float32)))).same


def test_other_words_and_other_voices_are_other_sounds(sounds: dict[str, bytes]) -> None:
    first = compute(sounds["first"])
    for other in ("second", "other voice"):
        assert match(first, compute(sounds[other])).score < SAME_SOUND - 0.05


def test_silences_are_nobodys(sounds: dict[str, bytes]) -> None:
    """Two recordings are not the same because both are silent somewhere."""
    silence = bytes(6 * WIRE_RATE)
    one, other = silence + sounds["first"] + silence, silence + sounds["second"] + silence
    assert not match(compute(one), compute(other)).same
    assert match(compute(silence * 2), compute(silence * 2)) == NO_MATCH


def test_too_little_sound_has_no_fingerprint(sounds: dict[str, bytes]) -> None:
    assert compute(b"") == ""
    assert compute(seconds(sounds["first"], 0, 1.0)) == ""
    assert match("", compute(sounds["first"])) == NO_MATCH


def test_long_sounds_are_compared_within_a_bound_of_memory() -> None:
    """A page read aloud, looked for in a lecture: minutes by minutes."""
    long = np.random.default_rng(1).integers(1, 2**32, 8_000, dtype=np.uint32)
    whole, part = (base64.b64encode(words.astype("<u4").tobytes()).decode() for words in (long, long[2_000:5_000]))
    tracemalloc.start()
    try:
        found = match(whole, part)
        assert tracemalloc.get_traced_memory()[1] < 32 * 1024**2
    finally:
        tracemalloc.stop()
    assert found.score == 1.0
    assert found.offset_s == pytest.approx(2_000 * 558 / WIRE_RATE)


@pytest.mark.parametrize("broken", ["not base64!", "AAA", "AAAA", "\u4e2d"])
def test_what_is_no_fingerprint_matches_nothing(sounds: dict[str, bytes], broken: str) -> None:
    assert match(broken, compute(sounds["first"])) == NO_MATCH
