"""The process that decodes one file: bytes on standard input, PCM16 mono on standard output.

It stands alone (PyAV and the standard library), gives up what it does not need before it looks at the first byte, and
ends with 3 and one line of JSON on standard error when it refuses. `inference.audio.decode` starts it.
"""

import io
import json
import resource
import struct
import sys
from collections.abc import Iterator
from typing import Any

import av
import av.audio.stream
import av.codec.context
import av.logging
import av.subtitles.stream
import av.video.stream

# (PyAV imports these on first use, when no file can be opened any more.)

# No playlists, no concatenations, no image or device formats: only what holds its sound itself.
FORMATS = "wav,w64,mp3,flac,ogg,matroska,webm,mov,mp4,m4a,3gp,3g2,mj2,aac,aiff,caf,amr"
CODECS = (
    "opus,libopus,vorbis,libvorbis,flac,alac,aac,aac_fixed,mp3,mp3float,mp2,mp2float,mp1,mp1float,"
    "amrnb,amrwb,libopencore_amrnb,libopencore_amrwb,adpcm_ima_wav,adpcm_ms,pcm_u8,pcm_s8,pcm_alaw,pcm_mulaw,"
    "pcm_s16le,pcm_s16be,pcm_s24le,pcm_s24be,pcm_s32le,pcm_s32be,pcm_f32le,pcm_f32be,pcm_f64le,pcm_f64be"
)
_STREAMED_WAV = 0x7FFF0000
"""WAV written to a pipe carries a length that nobody knew: zero, or one of several values about this and above."""
_SHORT_RATIO = 0.9
_SHORT_S = 0.5
_BAD_PACKETS = 3
_PROBE_BYTES = 2_000_000
_NO_SOUND = "There is no sound in the file."


class RefusedError(Exception):
    """The message is for people; ``why`` and ``values`` for those who say it in another language."""

    def __init__(self, message: str, why: str, **values: object) -> None:
        super().__init__(message)
        self.why = why
        self.values = values


def confine(limits: dict[str, Any]) -> None:
    """Memory and processor time bounded, no file or socket can be opened, no file grows, no core is dumped."""
    cpu = int(limits["max_wall_s"]) + 1
    resource.setrlimit(resource.RLIMIT_AS, (limits["max_memory_bytes"],) * 2)
    resource.setrlimit(resource.RLIMIT_CPU, (cpu, cpu + 1))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_NOFILE, (3, 3))


def decode(content: bytes, rate: int, limits: dict[str, Any]) -> bytes:
    """PCM16 mono at ``rate``; raises `RefusedError`."""
    with av.open(io.BytesIO(content), options=_options(), metadata_errors="replace") as container:
        if not container.streams.audio:
            raise RefusedError(_NO_SOUND, "no_sound")
        stream = container.streams.audio[0]
        codec = stream.codec_context
        if codec.name not in CODECS.split(","):
            raise RefusedError(f"Sound of the kind {codec.name} is not supported.", "codec", codec=codec.name)
        codec.thread_count = 1
        _check_channels(codec.channels, limits)
        declared = _declared_s(container, stream, content)
        if declared is not None and declared > limits["max_seconds"]:
            raise _too_long(limits)
        pcm = _collect(_frames(container, stream), rate, limits)
    seconds = len(pcm) / 2 / rate
    if not pcm:
        raise RefusedError(_NO_SOUND, "no_sound")
    if declared is not None and seconds < declared * _SHORT_RATIO - _SHORT_S:
        says, holds = f"{declared:.1f}", f"{seconds:.1f}"
        raise RefusedError(
            f"The file is cut short: it says {says} s and holds {holds} s.", "cut", says=says, holds=holds
        )
    return pcm


def _options() -> dict[str, str]:
    return {
        "format_whitelist": FORMATS,
        "codec_whitelist": CODECS,
        "protocol_whitelist": "none",
        "probesize": str(_PROBE_BYTES),
        "max_probe_packets": "200",
    }


def _declared_s(container: Any, stream: Any, content: bytes) -> float | None:
    """What the header says, None if it says nothing or cannot have known."""
    if container.format.name == "wav":
        return _wav_declared_s(content)
    if container.format.name in ("mp3", "aac", "amr") and not _has_mp3_index(content):
        return None
    if stream.duration is not None and stream.time_base is not None:
        return float(stream.duration * stream.time_base)
    return container.duration / av.time_base if container.duration is not None else None


def _wav_declared_s(content: bytes) -> float | None:
    """From the chunks themselves: the demuxer believes the file's size rather than its header."""
    form, data = content.find(b"fmt ", 12, 65536), content.find(b"data", 12, 65536)
    if form < 0 or data < form or len(content) < data + 8:
        return None
    (byte_rate,) = struct.unpack_from("<I", content, form + 16)
    (size,) = struct.unpack_from("<I", content, data + 4)
    return None if size == 0 or size >= _STREAMED_WAV or byte_rate == 0 else size / byte_rate


def _has_mp3_index(content: bytes) -> bool:
    """Without one, the length is guessed from the bit rate and the file's size."""
    return any(mark in content[:65536] for mark in (b"Xing", b"Info", b"VBRI"))


def _frames(container: Any, stream: Any) -> Iterator[Any]:
    """Frames of the first sound stream; a few damaged packets are stepped over, more are refused."""
    bad = 0
    for packet in container.demux(stream):
        try:
            yield from packet.decode()
        except av.error.InvalidDataError:
            bad += 1
            if bad > _BAD_PACKETS:
                raise RefusedError("The file is damaged.", "damaged") from None


def _collect(frames: Iterator[Any], rate: int, limits: dict[str, Any]) -> bytes:
    pcm = bytearray()
    most = int(limits["max_seconds"] * rate) * 2
    resampler: Any = None
    shape: tuple[Any, ...] | None = None
    for frame in frames:
        _check_channels(len(frame.layout.channels), limits)
        if not limits["min_rate"] <= frame.sample_rate <= limits["max_rate"]:
            rate_told = frame.sample_rate
            raise RefusedError(f"{rate_told} samples a second are not supported.", "rate", rate=rate_told)
        now = (frame.format.name, frame.layout.name, frame.sample_rate)
        if now != shape:
            _drain(resampler, pcm)
            resampler = av.AudioResampler(format="s16", layout="mono", rate=rate)
            shape = now
        frame.pts = None
        for piece in resampler.resample(frame):
            pcm += memoryview(piece.planes[0])[: piece.samples * 2]
        if len(pcm) > most:
            raise _too_long(limits)
    _drain(resampler, pcm)
    return bytes(pcm)


def _drain(resampler: Any, pcm: bytearray) -> None:
    if resampler is not None:
        for piece in resampler.resample(None):
            pcm += memoryview(piece.planes[0])[: piece.samples * 2]


def _check_channels(count: int, limits: dict[str, Any]) -> None:
    if count > limits["max_channels"]:
        most = limits["max_channels"]
        raise RefusedError(f"{count} channels are more than {most}.", "channels", channels=count, most=most)


def _too_long(limits: dict[str, Any]) -> RefusedError:
    most = round(limits["max_seconds"])
    return RefusedError(f"The file holds more than {most} s of sound.", "too_long", most=most)


def main() -> int:
    request = json.loads(sys.argv[1])
    content = sys.stdin.buffer.read()
    av.logging.set_level(av.logging.PANIC)
    confine(request["limits"])
    try:
        pcm = decode(content, request["rate"], request["limits"])
    except RefusedError as error:
        refused = error
    except (av.error.FFmpegError, ValueError, OSError, EOFError):
        refused = RefusedError("The file is not audio in a format that is understood, or it is damaged.", "not_audio")
    except MemoryError:
        refused = RefusedError("The file needs more memory than decoding may take.", "too_much")
    else:
        sys.stdout.buffer.write(pcm)
        sys.stdout.buffer.flush()
        return 0
    sys.stderr.write(json.dumps({"refused": str(refused), "why": refused.why, "values": refused.values}) + "\n")
    return 3


if __name__ == "__main__":
    sys.exit(main())
