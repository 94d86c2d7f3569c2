"""Speech in the formats that programs ask for, written piece by piece while it is spoken."""

from typing import Literal, get_args

import av
from av.audio.stream import AudioStream
from av.container import OutputContainer

from inference.audio.wav import streamed_wav_header

SoundFormat = Literal["mp3", "opus", "aac", "flac", "wav", "pcm"]
FORMATS: tuple[SoundFormat, ...] = get_args(SoundFormat)
CONTENT_TYPES: dict[SoundFormat, str] = {
    "mp3": "audio/mpeg",
    "opus": "audio/ogg",
    "aac": "audio/aac",
    "flac": "audio/flac",
    "wav": "audio/wav",
    "pcm": "audio/pcm",
}
_CODECS: dict[str, tuple[str, str, int | None, dict[str, str], dict[str, str]]] = {
    # container, codec, bit rate, the container's options, the codec's options
    "mp3": ("mp3", "libmp3lame", 64_000, {"write_xing": "0", "id3v2_version": "0"}, {}),
    "opus": ("ogg", "libopus", 32_000, {"page_duration": "200000"}, {"application": "audio"}),
    "aac": ("adts", "aac", 64_000, {}, {}),
    "flac": ("flac", "flac", None, {}, {}),
}
_STEP_S = 0.1
"""Longest piece that is handed to a codec at once."""


class _Sink:
    """A file that can only be written, and is emptied as it fills."""

    def __init__(self) -> None:
        self._written = bytearray()

    def write(self, data: bytes) -> int:
        self._written += data
        return len(data)

    def take(self) -> bytes:
        taken = bytes(self._written)
        self._written.clear()
        return taken


class SoundEncoder:
    """PCM16 mono at ``rate`` to a stream in ``kind``; `feed` and `finish` give what can be sent then.

    A second of speech takes about 3 ms of a core. Blocking, for one thread at a time. A length that a header would
    state is left unknown, since nobody knows it yet.
    """

    def __init__(self, kind: SoundFormat, rate: int = 24_000) -> None:
        self._rate = rate
        self._samples = 0
        self._odd = b""
        self._sink = _Sink()
        self._container: OutputContainer | None = None
        self._stream: AudioStream | None = None
        if kind == "wav":
            self._sink.write(streamed_wav_header(rate=rate))
        elif kind != "pcm":
            container, codec, bit_rate, options, codec_options = _CODECS[kind]
            self._container = av.open(self._sink, "w", format=container, container_options=options)
            stream = self._container.add_stream(codec, rate=rate, options=codec_options, layout="mono")
            assert isinstance(stream, AudioStream)
            if bit_rate is not None:
                stream.bit_rate = bit_rate
            self._stream = stream

    def feed(self, pcm: bytes) -> bytes:
        """Takes any number of bytes; an odd one waits for its other half."""
        pcm = self._odd + pcm
        whole = len(pcm) & ~1
        self._odd = pcm[whole:]
        if self._stream is None:
            self._sink.write(pcm[:whole])
            return self._sink.take()
        step = int(self._rate * _STEP_S) * 2
        for at in range(0, whole, step):
            self._encode(pcm[at : min(at + step, whole)])
        return self._sink.take()

    def finish(self) -> bytes:
        """The rest; nothing may be fed afterwards. No sound at all gives a header alone, or nothing."""
        if self._container is not None and self._stream is not None:
            if not self._samples:
                # A codec that never got a frame cannot be closed: a hundredth of a second of silence is heard by none.
                self._encode(bytes(self._rate // 100 * 2))
            self._container.mux(self._stream.encode(None))
            self._container.close()
        return self._sink.take()

    def _encode(self, pcm: bytes) -> None:
        assert self._container is not None
        assert self._stream is not None
        frame = av.AudioFrame(format="s16", layout="mono", samples=len(pcm) // 2)
        frame.sample_rate = self._rate
        frame.pts = self._samples
        frame.planes[0].update(pcm)
        self._samples += len(pcm) // 2
        self._container.mux(self._stream.encode(frame))
