"""Files made to hurt are refused, within bounds of time and memory, and touch nothing else."""

import resource
import socket
import struct
import time
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from inference.audio.decode import DecodeLimits, decode
from inference.errors import AudioRefused
from tests.inference.sound_files import encoded, pcm_wav, tone, video_only

WITHIN_S = 10.0
SECOND = tone(1.0, 16_000).tobytes()


def _aac_of_silence(hours: float) -> bytes:
    """Eleven bytes for each 128 ms of sound: an hour in 300 kB."""
    data = encoded(np.zeros(8000, np.int16), 8000, "adts", "aac", bit_rate=8000)
    length = 0
    while data:  # the last frame is the smallest
        length = ((data[3] & 3) << 11) | (data[4] << 3) | (data[5] >> 5)
        frame, data = data[:length], data[length:]
    return frame * int(hours * 3600 * 8000 / 1024)


def _flac() -> bytes:
    noise = np.random.default_rng(0).integers(-9000, 9000, 48_000).astype(np.int16)
    return encoded(noise, 16_000, "flac", "flac")


def _scrambled(data: bytes, keep: int) -> bytes:
    return data[:keep] + np.random.default_rng(1).bytes(len(data) - keep)


def _png() -> bytes:
    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    picture = zlib.compress(bytes(64 * 65))
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", 64, 64, 8, 0, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", picture) + chunk(b"IEND", b"")


def _mp4() -> bytes:
    return encoded(tone(2.0, 44_100), 44_100, "mp4", "aac")


def _huge_mp4_box() -> bytes:
    return b"\0\0\0\x18ftypM4A \0\0\0\0M4A isom" + struct.pack(">I4sQ", 1, b"moov", 2**62) + bytes(200)


HOSTILE: dict[str, Callable[[], bytes]] = {
    "nothing": lambda: b"",
    "one byte": lambda: b"R",
    "random bytes": lambda: np.random.default_rng(2).bytes(100_000),
    "zeros": lambda: bytes(1_000_000),
    "text": lambda: b"Hello, I am a sound file.\n" * 1000,
    "a web page": lambda: b"<!DOCTYPE html><html><audio src='x.mp3'></audio></html>",
    "a picture": _png,
    "a zip": lambda: b"PK\x03\x04" + bytes(1000),
    "a program": lambda: b"\x7fELF\x02\x01\x01" + bytes(1000),
    "a film without sound": video_only,
    "subtitles": lambda: b"1\n00:00:00,000 --> 10:00:00,000\nHello\n",
    "a WAV cut short": lambda: pcm_wav(SECOND * 4)[:60_000],
    "a WAV header alone": lambda: pcm_wav(b"", declared=32_000),
    "a WAV of no length": lambda: pcm_wav(b""),
    "a WAV that says ten hours": lambda: pcm_wav(SECOND, declared=36_000 * 32_000),
    "a WAV at 1 Hz": lambda: pcm_wav(SECOND, rate=1),
    "a WAV at 4 GHz": lambda: pcm_wav(SECOND, rate=4_000_000_000),
    "a WAV at 0 Hz": lambda: pcm_wav(SECOND, rate=0),
    "a WAV of 65535 channels": lambda: pcm_wav(SECOND * 8, channels=65_535),
    "a WAV of 64 channels": lambda: pcm_wav(SECOND * 8, channels=64),
    "a WAV of no channels": lambda: pcm_wav(SECOND, channels=0),
    "a WAV of an unknown codec": lambda: pcm_wav(SECOND, tag=0x7A7A),
    "a WAV that is WMA inside": lambda: pcm_wav(SECOND, tag=0x161),
    "a FLAC cut short": lambda: _flac()[:20_000],
    "a FLAC scrambled": lambda: _scrambled(_flac(), 60),
    "an MP4 whose index is cut off": lambda: _mp4()[:8000],
    "an MP4 with a box of four exabytes": _huge_mp4_box,
    "an Ogg cut in its headers": lambda: encoded(tone(1.0, 48_000), 48_000, "ogg", "libopus")[:60],
    "a WebM cut in its headers": lambda: encoded(tone(1.0, 48_000), 48_000, "webm", "libopus")[:120],
    "an Ogg scrambled": lambda: _scrambled(encoded(tone(1.0, 48_000), 48_000, "ogg", "libopus"), 200),
    "an MP3 tag of 200 MB and nothing else": lambda: b"ID3\x04\0\0\x5f\x5f\x5f\x5f" + bytes(1000),
    "ten hours of silence": lambda: _aac_of_silence(10.0),
    "more bytes than allowed": lambda: bytes(25 * 1024 * 1024 + 1),
    "a list of streams": lambda: b"[playlist]\nFile1=http://127.0.0.1:9/x.mp3\nNumberOfEntries=1\n",
    "a session description": lambda: b"v=0\no=- 0 0 IN IP4 127.0.0.1\nm=audio 5004 RTP/AVP 0\n",
    "a DASH manifest": lambda: b'<?xml version="1.0"?><MPD xmlns="urn:mpeg:dash:schema:mpd:2011"></MPD>',
}


@pytest.mark.parametrize("kind", HOSTILE)
def test_it_is_refused_in_time(kind: str) -> None:
    data = HOSTILE[kind]()
    begun = time.monotonic()
    with pytest.raises(AudioRefused) as refusal:
        decode(data, rate=16_000)
    assert time.monotonic() - begun < WITHIN_S
    assert refusal.value.permanent
    assert refusal.value.message.endswith(".")


@pytest.mark.parametrize("playlist", ["hls", "concat"])
def test_a_playlist_opens_no_file(tmp_path: Path, playlist: str) -> None:
    (tmp_path / "secret.wav").write_bytes(pcm_wav(SECOND))
    path = tmp_path / "secret.wav"
    lists = {
        "hls": f"#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\nfile://{path}\n#EXT-X-ENDLIST\n",
        "concat": f"ffconcat version 1.0\nfile '{path}'\n",
    }
    with pytest.raises(AudioRefused):
        decode(lists[playlist].encode(), rate=16_000)


def test_a_playlist_opens_no_connection() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0.05)
        url = f"http://127.0.0.1:{server.getsockname()[1]}/x.ts"
        data = f"#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\n{url}\n#EXT-X-ENDLIST\n".encode()
        with pytest.raises(AudioRefused):
            decode(data, rate=16_000)
        with pytest.raises(TimeoutError):
            server.accept()


def test_an_endless_stream_is_read_to_the_bound_only() -> None:
    class Endless:
        asked = 0

        def read(self, size: int = -1) -> bytes:
            assert size > 0
            self.asked += size
            return bytes(size)

    endless = Endless()
    with pytest.raises(AudioRefused, match="larger than"):
        decode(endless, rate=16_000, limits=DecodeLimits(max_bytes=1024 * 1024))  # type: ignore[arg-type]
    assert endless.asked <= 1024 * 1024 + 1


def test_what_takes_too_long_is_stopped() -> None:
    limits = DecodeLimits(max_seconds=1e9, max_wall_s=0.05)
    begun = time.monotonic()
    with pytest.raises(AudioRefused):
        decode(_aac_of_silence(20.0), rate=48_000, limits=limits)
    assert time.monotonic() - begun < WITHIN_S


def test_memory_is_bounded() -> None:
    before = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    with pytest.raises(AudioRefused):
        decode(_aac_of_silence(20.0), rate=48_000, limits=DecodeLimits(max_seconds=1e9, max_memory_bytes=300 * 2**20))
    after = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    assert max(before, 300 * 1024) >= after


def test_an_hour_too_many_costs_no_hour() -> None:
    """Refused by counting, since the file does not say how long it is: only the allowed part is decoded."""
    begun = time.monotonic()
    with pytest.raises(AudioRefused, match="more than 60 s"):
        decode(_aac_of_silence(20.0), rate=16_000, limits=DecodeLimits(max_seconds=60))
    assert time.monotonic() - begun < WITHIN_S / 2
