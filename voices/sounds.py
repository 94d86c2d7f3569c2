"""The sounds of voices: sealed files. Samples are FLAC, so that engines hear what was said and not what a codec made of
it (docs/adr/0116); consents and previews, which only people listen to, are Ogg Opus.
"""

import io
from uuid import UUID

import av
import av.error

from conversations.log.audio import StoredAudio
from conversations.log.errors import AudioDamaged, AudioMissing
from conversations.log.keys import KeyRing
from inference.audio.opus import encode_opus
from inference.types import WIRE_RATE
from voices import record

FLAC, OPUS = "audio/flac", "audio/ogg"


def save_sample(voice_id: UUID, sample_id: str, pcm: bytes) -> str:
    """Stores PCM16 mono at `WIRE_RATE` without loss, on disk on return; gives the file's opaque id."""
    return record.sounds().write(record.sound_key(voice_id, sample_id), encode_flac(pcm))


def save(voice_id: UUID, about: str, pcm: bytes) -> str:
    """Stores what only people listen to, as Ogg Opus."""
    return record.sounds().write(record.sound_key(voice_id, about), encode_opus(pcm, rate=WIRE_RATE))


def stored(audio_id: str, ring: KeyRing) -> StoredAudio:
    """Raises `AudioMissing` when there is none, or it was erased."""
    if not audio_id:
        raise AudioMissing("There is no such sound: it was not recorded yet, or it was erased.")
    return record.sounds().open(audio_id, ring.find)


def load(audio_id: str, ring: KeyRing) -> bytes:
    """A sample as PCM16 mono at `WIRE_RATE`. Raises `AudioMissing`, `AudioDamaged`."""
    return decode_flac(stored(audio_id, ring).read())


def encode_flac(pcm: bytes) -> bytes:
    """PCM16 mono at `WIRE_RATE` as a FLAC file."""
    out = io.BytesIO()
    with av.open(out, "w", format="flac") as container:
        stream = container.add_stream("flac", rate=WIRE_RATE, layout="mono")
        frame = av.AudioFrame(format="s16", layout="mono", samples=len(pcm) // 2)
        frame.sample_rate, frame.pts = WIRE_RATE, 0
        frame.planes[0].update(pcm)
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return out.getvalue()


def decode_flac(data: bytes) -> bytes:
    """What `encode_flac` made; strangers' files go through `inference.audio.decode`. Raises `AudioDamaged`."""
    pcm = bytearray()
    try:
        with av.open(io.BytesIO(data), "r", format="flac") as container:
            for frame in container.decode(container.streams.audio[0]):
                pcm += memoryview(frame.planes[0])[: frame.samples * 2]
    except (av.error.FFmpegError, IndexError, ValueError) as error:
        raise AudioDamaged("The stored sample is damaged.") from error
    return bytes(pcm)


def remove(audio_id: str) -> None:
    """Deletes a file that nothing names."""
    record.sounds().delete(audio_id)
