"""Any browser's or file's sound comes out as PCM16 mono at the rate asked for."""

import io

import numpy as np
import pytest

from inference.audio.decode import DecodeLimits, decode
from inference.audio.wav import encode_wav, streamed_wav_header
from inference.errors import AudioRefused
from tests.inference.sound_files import TONE_HZ, encoded, loudest_hz, pcm_wav, tone

FORMATS = {
    "wav": ("wav", "pcm_s16le", 48_000, "stereo"),
    "wav, 8 bit": ("wav", "pcm_u8", 8_000, "mono"),
    "wav, 24 bit": ("wav", "pcm_s24le", 96_000, "stereo"),
    "wav, float, 5.1": ("wav", "pcm_f32le", 44_100, "5.1"),
    "wav, 192 kHz, 7.1": ("wav", "pcm_s16le", 192_000, "7.1"),
    "wav, a-law": ("wav", "pcm_alaw", 8_000, "mono"),
    "wav, 16 channels": ("wav", "pcm_s16le", 48_000, "hexadecagonal"),
    "flac": ("flac", "flac", 44_100, "stereo"),
    "mp3": ("mp3", "libmp3lame", 44_100, "stereo"),
    "ogg opus (Firefox)": ("ogg", "libopus", 48_000, "stereo"),
    "webm opus (Chromium)": ("webm", "libopus", 48_000, "mono"),
    "mp4 aac": ("mp4", "aac", 44_100, "stereo"),
    "m4a alac": ("ipod", "alac", 44_100, "stereo"),
    "aac": ("adts", "aac", 16_000, "mono"),
    "aiff": ("aiff", "pcm_s16be", 22_050, "mono"),
    "caf": ("caf", "pcm_s16le", 32_000, "mono"),
}


@pytest.mark.parametrize("kind", FORMATS)
def test_it_decodes(kind: str) -> None:
    container, codec, rate, channels = FORMATS[kind]
    data = encoded(tone(1.5, rate), rate, container, codec, channels=channels)
    for wanted in (16_000, 24_000):
        decoded = decode(data, rate=wanted)
        assert decoded.duration_s == pytest.approx(1.5, abs=0.11)
        assert len(decoded.pcm) == round(decoded.duration_s * wanted) * 2
        assert loudest_hz(decoded.pcm, wanted) == pytest.approx(TONE_HZ, abs=2)


def test_it_decodes_the_fragments_of_a_recorder() -> None:
    options = {"movflags": "frag_keyframe+empty_moov+default_base_moof"}
    data = encoded(tone(2.0, 48_000), 48_000, "mp4", "aac", options=options)
    assert decode(data, rate=16_000).duration_s == pytest.approx(2.0, abs=0.1)


def test_it_takes_the_sound_of_a_film() -> None:
    data = encoded(tone(1.0, 48_000), 48_000, "matroska", "libopus", video=True)
    assert loudest_hz(decode(data, rate=16_000).pcm, 16_000) == pytest.approx(TONE_HZ, abs=2)


def test_it_reads_from_a_file_object() -> None:
    data = encoded(tone(0.5, 16_000), 16_000, "flac", "flac")
    assert decode(io.BytesIO(data), rate=16_000) == decode(data, rate=16_000)


def test_what_is_in_the_file_counts_and_not_its_name() -> None:
    """A WebM called .wav is nothing to refuse: nobody asks for the name."""
    data = encoded(tone(0.5, 48_000), 48_000, "webm", "libopus")
    assert decode(data, rate=24_000).duration_s == pytest.approx(0.5, abs=0.05)


def test_every_channel_counts() -> None:
    silent_left = np.stack([np.zeros(16_000, np.int16), tone(1.0, 16_000)], axis=1)
    decoded = decode(pcm_wav(silent_left.tobytes(), channels=2), rate=16_000)
    assert loudest_hz(decoded.pcm, 16_000) == pytest.approx(TONE_HZ, abs=2)


def test_a_wav_of_our_own_comes_back_to_the_sample() -> None:
    pcm = tone(0.3, 24_000).tobytes()
    assert decode(encode_wav(pcm, rate=24_000), rate=24_000).pcm == pcm


def test_a_streamed_wav_has_no_length_to_be_held_to() -> None:
    pcm = tone(0.3, 24_000).tobytes()
    assert decode(streamed_wav_header(rate=24_000) + pcm, rate=24_000).pcm == pcm


def test_not_numbers_become_sound_within_bounds() -> None:
    samples = np.array([np.nan, np.inf, -np.inf, 1e30] * 4000, dtype="<f4")
    decoded = decode(pcm_wav(samples.tobytes(), bits=32, tag=3), rate=16_000)
    assert len(decoded.pcm) == 32_000


def test_the_bounds_are_the_callers() -> None:
    data = encoded(tone(3.0, 16_000), 16_000, "flac", "flac")
    assert decode(data, rate=16_000, limits=DecodeLimits(max_seconds=3.1)).duration_s == pytest.approx(3.0, abs=0.01)
    with pytest.raises(AudioRefused, match="more than 2 s"):
        decode(data, rate=16_000, limits=DecodeLimits(max_seconds=2.0))
