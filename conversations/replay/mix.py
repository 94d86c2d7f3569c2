"""A conversation as it was heard, both voices on one line: a file that is never written.

Its packets are all of one size and its pages all of one length, so what lies at any byte is known without what lies
before it: a range is made when it is asked for, a page at a time, and always the same (docs/adr/0093). Nothing of it
is kept, so that nothing has to be erased.
"""

import zlib
from collections.abc import Iterator

import numpy as np

from conversations.replay.line import Piece, Timeline
from conversations.replay.sounds import RATE, Samples, Sounds, sounds_of
from conversations.replay.timeline import timeline
from conversations.selectors import ConversationView
from inference.audio import ogg
from inference.audio.opus_packets import PACKET_BYTES, PACKET_MS, PacketEncoder

FORM = 1
"""Counts the ways in which this file has been made: another way is another file."""
PAGE_PACKETS = 100
"""2 s, the most that is in memory beside the sounds it is made of."""
_WARM_UP = 5
"""Packets encoded before a page and thrown away: an encoder that has just begun sounds different."""
_FADE_MS = 5
"""Where a sound is cut, so that it does not click."""
_PER_MS = RATE // 1000


def as_heard(view: ConversationView, *, skip_pauses: bool = False) -> "Mix":
    """The conversation's sound. Reads the keys from the database; what it returns reads files alone."""
    return Mix(timeline(view, skip_pauses=skip_pauses), sounds_of(view.conversation))


class Mix:
    """Ogg Opus mono of ``length`` bytes. Blocking; for one reader at a time."""

    def __init__(self, heard: Timeline, sounds: Sounds) -> None:
        self.timeline = heard
        self._sounds = sounds
        self._pieces = [
            (piece, utterance.audio_id)
            for utterance in heard.utterances
            if utterance.state == "kept"
            for piece in utterance.pieces
        ]
        self._serial = zlib.crc32(repr((heard, FORM)).encode())
        head = PacketEncoder(RATE).head
        self._start = ogg.pre_skip(head)
        self._end = self._start + heard.duration_ms * ogg.RATE // 1000
        self._packets = -(-self._end // ogg.PACKET_SAMPLES) if heard.duration_ms else 0
        self._head = b"".join(map(ogg.page_bytes, ogg.header_pages(head, self._serial)))
        self._page_size = _size(PAGE_PACKETS)
        self.length = self._offset(-(-self._packets // PAGE_PACKETS)) if self._packets else 0

    @property
    def etag(self) -> str:
        """Another for another sound."""
        return f"{self._serial:08x}-{self.length:x}"

    def chunks(self, start: int = 0, stop: int | None = None) -> Iterator[bytes]:
        """Bytes ``start`` up to ``stop``, piece by piece."""
        end = self.length if stop is None else min(stop, self.length)
        if start < len(self._head) and start < end:
            yield self._head[start:end]
        at = max(start, len(self._head))
        while at < end:
            number = (at - len(self._head)) // self._page_size
            page = self._page(number)
            first = self._offset(number)
            yield page[at - first : end - first]
            at = first + len(page)

    def pcm(self, start_ms: int, stop_ms: int) -> bytes:
        """PCM16 mono at 24 kHz of that time; silence before the beginning and after the end."""
        line = np.zeros((stop_ms - start_ms) * _PER_MS, np.int32)
        for piece, audio_id in self._pieces:
            if piece.start_ms < stop_ms and piece.end_ms > start_ms:
                _add(line, start_ms, piece, self._sounds.samples(audio_id))
        return line.clip(-32768, 32767).astype("<i2").tobytes()

    def _page(self, number: int) -> bytes:
        first = number * PAGE_PACKETS
        count = min(PAGE_PACKETS, self._packets - first)
        last = first + count == self._packets
        encoder = PacketEncoder(RATE)
        sound = self.pcm((first - _WARM_UP) * PACKET_MS, (first + count) * PACKET_MS)
        step = encoder.frame_bytes
        packets = [encoder.encode(sound[at : at + step]) for at in range(0, len(sound), step)]
        return ogg.page_bytes(
            ogg.Page(
                packets=tuple(packets[_WARM_UP:]),
                granule=self._end if last else (first + count) * ogg.PACKET_SAMPLES,
                serial=self._serial,
                sequence=2 + number,
                flags=ogg.END if last else 0,
            )
        )

    def _offset(self, number: int) -> int:
        """Where a page begins; that after the last one is the file's length."""
        full, rest = divmod(min(number * PAGE_PACKETS, self._packets), PAGE_PACKETS)
        return len(self._head) + full * self._page_size + (_size(rest) if rest else 0)


def _size(packets: int) -> int:
    return ogg.page_size([PACKET_BYTES] * packets)


def _add(line: "np.ndarray[tuple[int], np.dtype[np.int32]]", line_ms: int, piece: Piece, sound: Samples) -> None:
    """Adds what of the piece lies on ``line``, which begins at ``line_ms``."""
    offset = (piece.start_ms - line_ms) * _PER_MS
    begin = max(0, -offset)
    wanted = (piece.end_ms - piece.start_ms) * _PER_MS
    end = min(wanted, len(line) - offset)
    source = sound[piece.from_ms * _PER_MS :][begin:end].astype(np.int32)
    fade = _FADE_MS * _PER_MS
    if end > wanted - fade and len(source):
        left = wanted - begin - np.arange(len(source))  # samples to the end of the piece
        source = source * np.minimum(left, fade) // fade
    line[offset + begin : offset + begin + len(source)] += source
