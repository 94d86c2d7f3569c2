"""Speech as Opus in an Ogg file, for storage: about 3 kB a second, and back."""

import io

import av
import av.error

from inference.errors import AudioRefused

_RATES = (8_000, 12_000, 16_000, 24_000, 48_000)
_BIT_RATE = 24_000
_FRAME_MS = 20
_COMPLEXITY = "5"  # of 10: two thirds of the time, and no difference to hear in speech at this bit rate


class OpusEncoder:
    """PCM16 mono at ``rate`` to an Ogg Opus file, piece by piece; keeps the length to the sample.

    ``rate`` is 8, 12, 16, 24 or 48 kHz, else `ValueError`. Takes about 5 ms for 1 s of sound. Pieces may have any
    number of bytes; from one thread at a time.
    """

    def __init__(self, rate: int = 24_000) -> None:
        if rate not in _RATES:
            raise ValueError(f"Opus has no rate of {rate} Hz")
        self._rate = rate
        self._step = rate * _FRAME_MS // 1000 * 2
        self._rest = b""
        self._samples = 0
        self._out = io.BytesIO()
        self._container = av.open(self._out, "w", format="ogg")
        options = {"application": "voip", "frame_duration": str(_FRAME_MS), "compression_level": _COMPLEXITY}
        self._stream = self._container.add_stream("libopus", rate=rate, options=options, layout="mono")
        self._stream.bit_rate = _BIT_RATE

    def feed(self, pcm: bytes) -> None:
        """Encodes what makes whole frames; the rest waits for more."""
        data = self._rest + pcm
        whole = len(data) // self._step * self._step
        for at in range(0, whole, self._step):
            self._encode(data[at : at + self._step])
        self._rest = data[whole:]

    def finish(self) -> bytes:
        """The file; no sound gives no file: empty bytes. Nothing may be fed afterwards."""
        if last := self._rest[: len(self._rest) & ~1]:
            self._encode(last)
        if not self._samples:
            # Closed without a frame, the container would write a file that no reader takes.
            return b""
        self._container.mux(self._stream.encode(None))
        self._container.close()
        return self._out.getvalue()

    def _encode(self, piece: bytes) -> None:
        frame = av.AudioFrame(format="s16", layout="mono", samples=len(piece) // 2)
        frame.sample_rate = self._rate
        frame.pts = self._samples
        frame.planes[0].update(piece)
        self._samples += len(piece) // 2
        self._container.mux(self._stream.encode(frame))


def encode_opus(pcm: bytes, *, rate: int = 24_000) -> bytes:
    """PCM16 mono at ``rate`` to an Ogg Opus file at once; see `OpusEncoder`."""
    encoder = OpusEncoder(rate)
    encoder.feed(pcm)
    return encoder.finish()


def decode_opus(data: bytes, *, rate: int = 24_000) -> bytes:
    """What `encode_opus` made, back to PCM16 mono at ``rate``; raises `AudioRefused` for anything else.

    For files of our own: those of strangers go through `inference.audio.decode`.
    """
    if not data:
        return b""
    pcm = bytearray()
    try:
        with av.open(io.BytesIO(data), "r", format="ogg") as container:
            if not container.streams.audio or container.streams.audio[0].codec_context.name not in ("opus", "libopus"):
                raise AudioRefused("The stored sound is not Opus.")
            resampler = av.AudioResampler(format="s16", layout="mono", rate=rate)
            for frame in container.decode(container.streams.audio[0]):
                frame.pts = None
                for piece in resampler.resample(frame):
                    pcm += memoryview(piece.planes[0])[: piece.samples * 2]
            for piece in resampler.resample(None):
                pcm += memoryview(piece.planes[0])[: piece.samples * 2]
    except (av.error.FFmpegError, ValueError) as error:
        raise AudioRefused("The stored sound is damaged.") from error
    return bytes(pcm)
