"""Ogg pages as Opus needs them (RFC 3533, RFC 7845): made, read, and cut short without touching a packet."""

import struct
import zlib
from collections.abc import Iterable, Iterator, Sequence

import msgspec

from inference.errors import AudioRefused

BEGIN, END = 2, 4
"""Flags of the first and the last page."""
RATE = 48_000
"""Positions in Ogg Opus are counted in samples at this rate, whatever the sound's own."""
PACKET_SAMPLES = RATE // 50
"""Every packet of ours holds 20 ms."""
_HEADER = struct.Struct("<4sBBqIIIB")
_CRC = slice(22, 26)
_REVERSED = bytes(int(f"{byte:08b}"[::-1], 2) for byte in range(256))
_DAMAGED = "The stored sound is damaged."


class Page(msgspec.Struct, frozen=True):
    """Whole packets. ``granule``: where the page ends, in samples at `RATE`, the pre-skip included."""

    packets: tuple[bytes, ...]
    granule: int
    serial: int
    sequence: int
    flags: int = 0


def page_bytes(page: Page) -> bytes:
    """Raises `ValueError` when the packets do not fit into one page."""
    lacing = b"".join(b"\xff" * (len(packet) // 255) + bytes([len(packet) % 255]) for packet in page.packets)
    if len(lacing) > 255:
        raise ValueError(f"{len(page.packets)} packets do not fit into one page")
    fields = (b"OggS", 0, page.flags, page.granule, page.serial, page.sequence)
    data = bytearray(_HEADER.pack(*fields, 0, len(lacing)) + lacing + b"".join(page.packets))
    data[_CRC] = struct.pack("<I", checksum(data))
    return bytes(data)


def page_size(packet_sizes: Sequence[int]) -> int:
    """Bytes of a page with packets of these sizes."""
    return _HEADER.size + sum(size // 255 + 1 + size for size in packet_sizes)


def pages(data: bytes) -> Iterator[Page]:
    """The pages of a file of our own; raises `AudioRefused` for damage and for packets that span pages."""
    at = 0
    while at < len(data):
        try:
            magic, _version, flags, granule, serial, sequence, _crc, count = _HEADER.unpack_from(data, at)
        except struct.error:
            raise AudioRefused(_DAMAGED) from None
        lacing = data[at + _HEADER.size : at + _HEADER.size + count]
        if magic != b"OggS" or len(lacing) != count or (count and lacing[-1] == 255) or flags & 1:
            raise AudioRefused(_DAMAGED)
        packets: list[bytes] = []
        start = end = at + _HEADER.size + count
        for length in lacing:
            end += length
            if length < 255:
                packets.append(data[start:end])
                start = end
        if end > len(data):
            raise AudioRefused(_DAMAGED)
        yield Page(tuple(packets), granule, serial, sequence, flags)
        at = end


def cut_opus(data: bytes, duration_ms: int) -> bytes:
    """The first ``duration_ms`` of an Ogg Opus file of ours, packet by packet as it is: nothing is encoded anew.

    The last page says where the sound ends, to the sample. More than there is means all of it; nothing, empty bytes.
    """
    if duration_ms <= 0 or not data:
        return b""
    kept: list[Page] = []
    end, reached = 0, 0
    for page in pages(data):
        if len(kept) < 2:  # the two header pages
            if not kept:
                end = pre_skip(page.packets[0]) + duration_ms * RATE // 1000
            kept.append(page)
            continue
        wanted = -(-(end - reached) // PACKET_SAMPLES)
        if wanted > len(page.packets) or (page.flags & END and page.granule <= end):
            kept.append(page)
            reached += PACKET_SAMPLES * len(page.packets)
            continue
        last = msgspec.structs.replace(page, packets=page.packets[:wanted], granule=end, flags=page.flags | END)
        kept.append(last)
        break
    return b"".join(map(page_bytes, kept))


def pre_skip(head: bytes) -> int:
    """Samples at `RATE` that a decoder throws away first, by the OpusHead packet."""
    if len(head) < 19 or not head.startswith(b"OpusHead"):
        raise AudioRefused("The stored sound is not Opus.")
    return int.from_bytes(head[10:12], "little")


def header_pages(head: bytes, serial: int, vendor: bytes = b"AVATAR") -> Iterable[Page]:
    """The two pages that an Ogg Opus file begins with."""
    yield Page((head,), 0, serial, 0, BEGIN)
    yield Page((b"OpusTags" + struct.pack("<I", len(vendor)) + vendor + struct.pack("<I", 0),), 0, serial, 1)


def checksum(page: bytes | bytearray) -> int:
    """Ogg's CRC-32 of a page whose checksum field is zero: zlib's, with the bits the other way round."""
    crc = zlib.crc32(page.translate(_REVERSED), 0xFFFFFFFF) ^ 0xFFFFFFFF
    return int.from_bytes(crc.to_bytes(4, "little").translate(_REVERSED), "big")
