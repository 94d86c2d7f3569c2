"""What of a spoken answer has reached the listener: sound sent, and which words it carried."""

import asyncio
import re
import time

import msgspec

from conversations.events import Pause
from conversations.realtime.borrowing import Borrowed
from conversations.realtime.playback import BYTES_PER_S

SHORTEST_PAUSE_S = 0.02
"""Less than this is the timers' jitter."""
_WORDS = re.compile(r"[\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff]|[^\s\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff]+")


class Span(msgspec.Struct):
    """A sentence and the part of the answer's sound that says it, in bytes; one without sound is empty.

    ``whole``: how long the sound of all of it would have been, of a part that broke off and is said again; 0 where
    nobody knows. ``cloned``: in a person's voice.
    """

    index: int
    text: str
    start: int
    end: int
    broke_off: bool = False
    whole: int = 0
    cloned: bool = False


class SpokenAnswer:
    """The sound of one answer as it was sent. ``offset_s``: where it begins on the session's playback clock."""

    def __init__(self, *, item_id: str, response_id: str, turn_id: str, recorded: bool) -> None:
        self.item_id = item_id
        self.response_id = response_id
        self.turn_id = turn_id
        self.recorded = recorded
        """False for answers outside the conversation."""
        self.offset_s: float | None = None
        self.began_at_ms: int | None = None
        """When the listener heard its first sound, Unix time."""
        self.borrowed: Borrowed | None = None
        """The voice that it was to be given in, if it is somebody's."""
        self.audio_id = ""
        self.stored_ms: int | None = None
        """How much sound was given to the record; under no `audio_id` where no sound is kept."""
        self.settled = False
        """True once it is known, and recorded, what was heard."""
        self.whole = True
        """False when sending was stopped in the middle."""
        self.storing = asyncio.Lock()
        self._spans: list[Span] = []
        self._begun = 0
        self._pcm = bytearray()
        self._sent = 0
        self._pauses: list[Pause] = []
        self._dry_at = 0.0

    @property
    def sent_s(self) -> float:
        return self._sent / BYTES_PER_S

    @property
    def sent_ms(self) -> int:
        return round(self.sent_s * 1000)

    @property
    def text(self) -> str:
        """All that was said or shown."""
        return "".join(span.text for span in self._spans if not span.broke_off)

    @property
    def sentences(self) -> int:
        return self._begun

    def begin(self, text: str) -> None:
        """A sentence follows."""
        self._spans.append(Span(self._begun, text, self._sent, self._sent))
        self._begun += 1

    def again(self, index: int, text: str) -> None:
        """A sentence follows from its beginning, of which a part was sent, or nothing yet."""
        for span in self._spans:
            if span.index == index:
                span.broke_off = True
        self._spans.append(Span(index, text, self._sent, self._sent))

    def voiced(self, *, cloned: bool) -> None:
        """Who speaks the current sentence."""
        if self._spans:
            self._spans[-1].cloned = cloned

    def cloned_after(self, audio_ms: int) -> bool:
        """Whether sound in a person's voice follows there."""
        position = self._position(audio_ms)
        return any(span.cloned and span.end > max(position, span.start) for span in self._spans)

    def rewind(self, audio_ms: int, unsent: int = 0) -> tuple[tuple[int, str], ...]:
        """The player threw away what follows ``audio_ms``; returns the sentences that were not heard to their end.

        ``unsent``: bytes of the current sentence's sound that were made and are not sent.
        """
        position = self._position(audio_ms)
        if unsent and self._spans:
            self._spans[-1].whole = self._spans[-1].end - self._spans[-1].start + unsent
        unheard = [span for span in self._spans if span.end > position or span.end == span.start == self._sent]
        for span in unheard:
            span.whole = span.whole or span.end - span.start
            span.end = max(span.start, min(span.end, position))
        told = tuple((span.index, span.text) for span in unheard if not span.broke_off)
        self._spans = [span for span in self._spans if span.start < position]
        for span in self._spans:
            span.broke_off = span.broke_off or any(span.index == index for index, _ in told)
        del self._pcm[position:]
        self._sent = position
        self._pauses = [pause for pause in self._pauses if pause.at_ms < audio_ms]
        self._dry_at = time.monotonic()
        return told

    def sent(self, pcm: bytes) -> None:
        """Sound of the current sentence is on its way."""
        self._pcm += pcm
        self._sent += len(pcm)
        if self._spans:
            self._spans[-1].end = self._sent

    def sounds(self, pcm_bytes: int, in_s: float) -> None:
        """The next sound of it is heard in ``in_s`` seconds; to be told before `sent`."""
        starts_at = time.monotonic() + in_s
        if self.began_at_ms is None:
            self.began_at_ms = round((time.time() + in_s) * 1000)
        elif (waited_s := starts_at - self._dry_at) >= SHORTEST_PAUSE_S:
            self._pauses.append(Pause(self.sent_ms, round(waited_s * 1000)))
        self._dry_at = starts_at + pcm_bytes / BYTES_PER_S

    def pauses_until(self, audio_ms: int) -> tuple[Pause, ...]:
        """Where the listener waited for more of it, within the first ``audio_ms``."""
        return tuple(pause for pause in self._pauses if pause.at_ms < audio_ms)

    def cut(self, unsent: int) -> None:
        """Sending stops here; ``unsent`` bytes of the current sentence's sound were made and are not sent."""
        self.whole = False
        if self._spans:
            self._spans[-1].end += unsent

    def heard_ms(self, clock_heard_s: float) -> int:
        """Milliseconds heard when the session's clock stands there; never beyond what was sent."""
        if self.offset_s is None:
            return 0
        return max(0, min(self.sent_ms, round((clock_heard_s - self.offset_s) * 1000)))

    def sound_until(self, audio_ms: int) -> bytes:
        """PCM16 at WIRE_RATE."""
        return bytes(self._pcm[: self._position(audio_ms)])

    def text_until(self, audio_ms: int) -> str:
        """The words heard in the first ``audio_ms``: whole sentences, and of the last one its share of words.

        Text-to-speech gives no word times; words are taken to be spoken evenly, and a word counts once it is over.
        """
        position = self._position(audio_ms)
        heard: dict[int, str] = {}
        for span in self._spans:
            if span.broke_off:
                said = _share(span.text, self._share_said(span, position))
            elif position >= span.end and position > 0:
                said = span.text
            elif position > span.start:
                said = _share(span.text, (position - span.start) / (span.end - span.start))
            else:
                break
            heard[span.index] = max(heard.get(span.index, ""), said, key=len)  # said twice, it was heard once
            if position < span.end:
                break
        return "".join(heard.values()).rstrip()

    def _share_said(self, span: Span, position: int) -> float:
        """How much of its sentence a part that broke off had said there; 0 where nobody knows how long it is."""
        others = (one.end - one.start for one in self._spans if one.index == span.index and not one.broke_off)
        whole = max(span.whole, *others, 0)
        return max(0, min(span.end, position) - span.start) / whole if whole else 0.0

    def forget_sound(self) -> None:
        """Frees the memory; what was said when is still known."""
        self._pcm = bytearray()

    def _position(self, audio_ms: int) -> int:
        return min(self._sent, audio_ms * BYTES_PER_S // 1000 // 2 * 2)


def _share(text: str, share: float) -> str:
    """The words that end within that share of the text's letters; of Chinese, the characters."""
    words = list(_WORDS.finditer(text))
    length = words[-1].end() if words else 0
    heard = [word.end() for word in words if word.end() <= length * share]
    return text[: heard[-1]] if heard else ""
