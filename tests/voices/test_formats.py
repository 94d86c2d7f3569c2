"""A sample may come in any format that people have."""

import numpy as np
import pytest

from inference.types import WIRE_RATE
from tests.inference.sound_files import encoded
from tests.voices import making
from tests.voices.speaking import LONG, room, said, wav
from voices import services

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.models, pytest.mark.usefixtures("engines")]
FORMATS = {
    "MP3": ("mp3", "libmp3lame", 24_000),
    "FLAC": ("flac", "flac", 24_000),
    "M4A": ("mp4", "aac", 24_000),
    "Ogg": ("ogg", "libopus", 24_000),
    "WebM": ("webm", "libopus", 24_000),
}


@pytest.mark.parametrize("name", ["WAV", *FORMATS])
def test_it_is_understood_alike(name: str) -> None:
    pcm = room(said(LONG, "hibari-us"))
    if name == "WAV":
        data = wav(pcm)
    else:
        container, codec, rate = FORMATS[name]
        assert rate == WIRE_RATE
        data = encoded(np.frombuffer(pcm, "<i2"), rate, container, codec)
    ada = making.person("ada")
    report = services.add_sample(making.draft(ada), data, actor=ada)
    assert report.accepted, report.advice
    assert report.transcript.startswith("The garden behind the old house was quiet in the morning")
    assert report.duration_s == pytest.approx(len(pcm) / 2 / WIRE_RATE, abs=0.2)
