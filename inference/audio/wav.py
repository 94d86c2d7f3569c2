"""WAV files of PCM16 mono, written and (our own ones) read without a decoder."""

import io
import wave


def encode_wav(pcm: bytes, *, rate: int) -> bytes:
    """PCM16 mono at ``rate`` Hz as a WAV file."""
    out = io.BytesIO()
    with wave.open(out, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes(pcm)
    return out.getvalue()


def streamed_wav_header(*, rate: int) -> bytes:
    """The header of a WAV whose length is not known yet; PCM16 mono follows it as it comes."""
    header = bytearray(encode_wav(b"", rate=rate))
    header[4:8] = header[40:44] = b"\xff\xff\xff\xff"
    return bytes(header)
