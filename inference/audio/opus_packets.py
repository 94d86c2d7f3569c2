"""Opus packets that are all of one size, so that a file's length and any place in it are known before it is made."""

import av

from inference.audio.ogg import PACKET_SAMPLES, RATE

PACKET_BYTES = 80
"""32 kbit/s: above what is stored, since it is encoded a second time."""
PACKET_MS = PACKET_SAMPLES * 1000 // RATE


class PacketEncoder:
    """PCM16 mono at ``rate``, 20 ms at a time. Hard constant bit rate; the same input gives the same packets."""

    def __init__(self, rate: int = 24_000) -> None:
        self.frame_bytes = rate * PACKET_MS // 1000 * 2
        self._rate = rate
        self._samples = 0
        self._codec = av.AudioCodecContext.create("libopus", "w")
        self._codec.sample_rate = rate
        self._codec.layout = "mono"
        self._codec.format = "s16"
        self._codec.bit_rate = PACKET_BYTES * 8 * 1000 // PACKET_MS
        self._codec.options = {
            "application": "audio",
            "vbr": "off",
            "frame_duration": str(PACKET_MS),
            "compression_level": "5",
        }
        self._codec.open()

    @property
    def head(self) -> bytes:
        """The OpusHead packet."""
        return bytes(self._codec.extradata or b"")

    def encode(self, pcm: bytes) -> bytes:
        """One packet of ``frame_bytes`` of sound."""
        frame = av.AudioFrame(format="s16", layout="mono", samples=len(pcm) // 2)
        frame.sample_rate = self._rate
        frame.pts = self._samples
        frame.planes[0].update(pcm)
        self._samples += len(pcm) // 2
        packet = b"".join(bytes(packet) for packet in self._codec.encode(frame))
        if len(packet) != PACKET_BYTES:
            raise RuntimeError(f"the encoder gave a packet of {len(packet)} bytes, not {PACKET_BYTES}")
        return packet
