"""Sound files of every kind, made at test time."""

import io
from typing import Any

import av
import numpy as np
import numpy.typing as npt

from inference.audio.opus import decode_opus
from inference.types import WIRE_RATE

TONE_HZ = 440.0


def tone(seconds: float, rate: int, hz: float = TONE_HZ) -> npt.NDArray[np.int16]:
    """A sine at a third of full scale; int16, mono, shape (n,)."""
    time = np.arange(int(seconds * rate)) / rate
    return np.asarray(np.sin(2 * np.pi * hz * time) * 11000, dtype=np.int16)


def encoded(
    samples: npt.NDArray[np.int16],
    rate: int,
    container: str,
    codec: str,
    *,
    channels: str = "mono",
    options: dict[str, str] | None = None,
    video: bool = False,
    bit_rate: int | None = None,
) -> bytes:
    """``samples`` (in every channel) as a file; with ``video``, a moving picture beside them."""
    out = io.BytesIO()
    with av.open(out, "w", format=container, options=options or {}) as file:
        stream: Any = file.add_stream(codec, rate=rate, layout=channels)
        if bit_rate:
            stream.bit_rate = bit_rate
        picture = _picture_stream(file) if video else None
        fifo_input = av.AudioResampler(
            format=stream.codec_context.format, layout=channels, rate=rate, frame_size=stream.codec_context.frame_size
        )
        frame = av.AudioFrame.from_ndarray(samples[None], format="s16", layout="mono")
        frame.sample_rate = rate
        for piece in [*fifo_input.resample(frame), *fifo_input.resample(None)]:
            file.mux(stream.encode(piece))
        file.mux(stream.encode(None))
        if picture is not None:
            _draw(file, picture)
    return out.getvalue()


def opus_again(pcm: bytes, bit_rate: int) -> bytes:
    """What is left of PCM16 mono at WIRE_RATE after Opus at so many bits a second."""
    return decode_opus(
        encoded(np.frombuffer(pcm, dtype="<i2"), WIRE_RATE, "ogg", "libopus", bit_rate=bit_rate), rate=WIRE_RATE
    )


def video_only() -> bytes:
    out = io.BytesIO()
    with av.open(out, "w", format="matroska") as file:
        _draw(file, _picture_stream(file))
    return out.getvalue()


def pcm_wav(
    data: bytes, *, rate: int = 16_000, channels: int = 1, bits: int = 16, tag: int = 1, declared: int | None = None
) -> bytes:
    """A WAV whose header says what one likes."""
    size = len(data) if declared is None else declared
    block = channels * bits // 8
    header = b"".join(
        [
            b"RIFF",
            ((36 + size) % 2**32).to_bytes(4, "little"),
            b"WAVEfmt \x10\0\0\0",
            tag.to_bytes(2, "little"),
            channels.to_bytes(2, "little"),
            rate.to_bytes(4, "little"),
            ((rate * block) % 2**32).to_bytes(4, "little"),
            (block % 65536).to_bytes(2, "little"),
            bits.to_bytes(2, "little"),
            b"data",
            size.to_bytes(4, "little"),
        ]
    )
    return header + data


def _picture_stream(file: Any) -> Any:
    stream = file.add_stream("mjpeg", rate=5)
    stream.width = stream.height = 64
    stream.pix_fmt = "yuvj420p"
    return stream


def _draw(file: Any, stream: Any) -> None:
    for number in range(5):
        image = np.full((64, 64, 3), number * 40, dtype=np.uint8)
        file.mux(stream.encode(av.VideoFrame.from_ndarray(image, format="rgb24")))
    file.mux(stream.encode(None))


def loudest_hz(pcm: bytes, rate: int) -> float:
    """The frequency that most of PCM16 mono ``pcm`` is at."""
    samples = np.frombuffer(pcm, dtype="<i2").astype(float)
    return float(np.abs(np.fft.rfft(samples)).argmax() * rate / len(samples))
