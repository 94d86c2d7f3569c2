"""WebVTT (https://www.w3.org/TR/webvtt1/) of a conversation as it was heard, on the time line of its replay."""

import re
from collections.abc import Iterator
from html import escape
from itertools import count

from django.utils.translation import gettext

from conversations.replay.line import Utterance
from conversations.replay.timeline import timeline
from conversations.selectors import ConversationView, TurnView

_LONGEST = 90
"""Characters of one caption."""
_SILENT_MS = 2_000
"""How long something typed or read is shown: it takes no time on the line."""
_LEAST_MS = 200
_PART = re.compile(r".+?(?:[.!?](?=\s|$)|[。！？]|$)\s*", re.DOTALL)


def captions(view: ConversationView, *, skip_pauses: bool = False) -> str:
    """The file; cues in the order of their beginning, a long answer in several. Speakers in the active language."""
    heard = timeline(view, skip_pauses=skip_pauses)
    turns = {turn.turn.number: turn for turn in view.turns}
    numbers = {number: count() for number in turns}
    cues = []
    for utterance in heard.utterances:
        which = next(numbers[utterance.turn]) if utterance.who == "reply" else 0
        text = _text(utterance, turns[utterance.turn], which)
        cues += [(start, end, utterance.who, part) for start, end, part in _timed(utterance, text)]
    names, blocks = {"user": gettext("You"), "reply": "AVATAR"}, ["WEBVTT"]
    for start, end, who, part in sorted(cues):
        blocks.append(f"{_moment(start)} --> {_moment(end)}\n<v {names[who]}>{escape(part, quote=False)}")
    return "\n\n".join(blocks) + "\n"


def _text(utterance: Utterance, turn: TurnView, which: int) -> str:
    if utterance.who == "user":
        return turn.user_text
    return turn.answers[which].text if len(turn.answers) > 1 else turn.heard_text


def _timed(utterance: Utterance, text: str) -> Iterator[tuple[int, int, str]]:
    """The text in parts, each for its share of the time."""
    parts = list(_parts(" ".join(text.split())))
    length = sum(map(len, parts))
    start = utterance.start_ms
    lasts = max(utterance.end_ms - start, _LEAST_MS) if utterance.end_ms > start else _SILENT_MS
    done = 0
    for part in parts:
        begins = start + lasts * done // length
        done += len(part)
        yield begins, start + lasts * done // length, part


def _parts(text: str) -> Iterator[str]:
    """Sentences; what is longer than a caption, cut at a space or where it is full."""
    for sentence in _PART.findall(text):
        rest = sentence.strip()
        while len(rest) > _LONGEST:
            space = rest.rfind(" ", 1, _LONGEST)
            cut = space if space > 0 else _LONGEST
            yield rest[:cut].strip()
            rest = rest[cut:].strip()
        if rest:
            yield rest


def _moment(ms: int) -> str:
    seconds, ms = divmod(ms, 1000)
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours:02}:{minutes:02}:{seconds:02}.{ms:03}"
