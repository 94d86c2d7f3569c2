"""Fills a log with conversations as people hold them, quickly: for measuring pages, rebuilds and proofs.

    AVATAR_DATA_DIR=... python -m tests.conversations.fill --conversations 10000 --turns 3

Everything goes through the log's own append (sealed, chained, projected); only many appends share a transaction, and
the clock can be set back so that the conversations lie on many days.
"""

import argparse
import contextlib
import os
import random
import sys
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING
from unittest import mock

if TYPE_CHECKING:
    from conversations.events import Fact

_BATCH = 150
"""Turns in one transaction."""
_TALK = {
    "en": (
        ("What is the weather like tomorrow?", "It stays dry until noon. Take an umbrella for the evening."),
        ("How far is the moon?", "About 384,000 kilometres. Light takes a little over a second."),
        ("Tell me a story about a lighthouse.", "Once there was a keeper who counted ships. One night he counted two."),
        ("How long do I boil an egg?", "Six minutes for a soft one. Nine make it firm."),
        ("Remind me what we said about the garden.", "You wanted to plant tomatoes. They like the south wall."),
    ),
    "zh-TW": (
        ("明天天氣怎麼樣？", "中午以前不會下雨。晚上請帶雨傘。"),
        ("月亮離我們多遠？", "大約三十八萬公里。光只要一秒多一點。"),
        ("雞蛋要煮多久？", "半熟六分鐘。全熟九分鐘。"),
    ),
}
_VOICES = {"en": ("hibari-en", "kokoro-heart"), "zh-TW": ("kokoro-xiaoxiao",)}


@dataclass(slots=True)
class Filled:
    """What was put in."""

    conversation_ids: list[str] = field(default_factory=list)
    events: int = 0


class _Clock:
    """Stands in for ``timezone.now`` of the log."""

    def __init__(self) -> None:
        self.moment = datetime.now(UTC)

    def now(self) -> datetime:
        return self.moment


def fill(
    *,
    conversations: int = 100,
    turns: int = 3,
    owner_ids: list[str] | None = None,
    days: float = 90.0,
    sound: bytes = b"",
    seed: int = 1,
    progress: Callable[[int], object] = lambda _count: None,
) -> Filled:
    """Appends so many conversations of so many turns, about nine events a turn; the same ``seed``, the same words.

    ``owner_ids``: users that exist, in turn (None: one named ``filled`` is made). ``days``: how far back the
    conversations are spread. ``sound``: an encoded file (Ogg Opus) to store as each recording; empty stores none, so
    that the recordings are named but missing. ``progress`` is told how many conversations more are there. Blocking;
    not inside a transaction.
    """
    from django.contrib.auth import get_user_model

    from conversations.log.eventlog import EventLog

    if owner_ids is None:
        owner_ids = [str(get_user_model().objects.get_or_create(username="filled")[0].pk)]
    chance = random.Random(seed)
    filled = Filled()
    clock = _Clock()
    newest = clock.moment
    log = EventLog(timeout_s=120.0)  # a busy machine may take its time
    with _clock_of_the_log(clock), contextlib.closing(log):
        batch = max(1, _BATCH // max(1, turns))
        for start in range(0, conversations, batch):
            numbers = range(start, min(start + batch, conversations))

            def write(numbers: range = numbers) -> None:
                for number in numbers:
                    clock.moment = newest - timedelta(days=days * (conversations - number) / conversations)
                    owner = owner_ids[number % len(owner_ids)]
                    _write_conversation(filled, owner, turns, chance, clock, sound)

            log.write_now(write)
            progress(len(numbers))
    return filled


@contextmanager
def _clock_of_the_log(clock: _Clock) -> Iterator[None]:
    from conversations.log import store

    with mock.patch.object(store, "timezone", clock):
        yield


def _write_conversation(
    filled: Filled, owner: str, turns: int, chance: random.Random, clock: _Clock, sound: bytes
) -> None:
    from conversations.events import ConversationStarted, SessionClosed, SessionOpened

    conversation_id = str(uuid.uuid4())
    language = chance.choices(("en", "zh-TW"), (3, 1))[0]
    voice = chance.choice(_VOICES[language])
    session = f"session_{uuid.uuid4().hex}"
    write = _Writer(filled, conversation_id, owner, session, clock)
    write(
        "",
        ConversationStarted(owner=owner, language=language, voice=voice),
        SessionOpened(session_id=session, model="smollm2-135m-instruct", voice=voice, language=language),
    )
    for _ in range(turns):
        turn_id = f"turn_{chance.randbytes(8).hex()}"
        clock.moment += timedelta(seconds=chance.uniform(6, 20))
        write(turn_id, *_turn(conversation_id, turn_id, language, voice, chance, sound))
    write("", SessionClosed(session_id=session, reason="client_closed"))
    filled.conversation_ids.append(conversation_id)


@dataclass(slots=True)
class _Writer:
    filled: Filled
    conversation_id: str
    owner: str
    session: str
    clock: _Clock

    def __call__(self, turn_id: str, *facts: "Fact") -> None:
        from conversations.log import store
        from conversations.log.types import Metadata
        from conversations.record import new_event
        from conversations.streams import stream_of

        metadata = Metadata(actor=self.owner, session=self.session, correlation=turn_id)
        store.append(stream_of(self.conversation_id), store.ANY, [new_event(fact, metadata) for fact in facts])
        self.filled.events += len(facts)


def _turn(
    conversation_id: str, turn_id: str, language: str, voice: str, chance: random.Random, sound: bytes
) -> "list[Fact]":
    """A turn's facts: nine in twelve are answered to the end, the others cut short, failed, or typed."""
    from conversations.events import (
        ReplyFailed,
        ReplyFinished,
        ReplyStarted,
        TurnMeasured,
        UserSpoke,
        UserTranscribed,
        UserWrote,
    )

    question, answer = chance.choice(_TALK[language])
    user, response = f"item_{chance.randbytes(8).hex()}", f"resp_{chance.randbytes(8).hex()}"
    kind = chance.choices(("whole", "cut", "failed", "typed"), (9, 1, 0.5, 1.5))[0]
    facts: list[Fact] = []
    if kind == "typed":
        facts.append(UserWrote(item_id=user, text=question))
    else:
        audio_id = _stored(conversation_id, turn_id, sound)
        confidence = round(chance.uniform(0.6, 0.99), 3)
        facts.append(UserSpoke(item_id=user, audio_id=audio_id, duration_ms=chance.randint(900, 6000)))
        facts.append(
            UserTranscribed(item_id=user, text=question, language=language, confidence=confidence, model="whisper-base")
        )
    facts.append(ReplyStarted(response_id=response, model="smollm2-135m-instruct", voice=voice))
    if kind == "failed":
        facts.append(ReplyFailed(response_id=response, code="engine_unavailable", message="The engine went away."))
        facts.append(ReplyFinished(response_id=response, status="failed", reason="engine_unavailable"))
        return facts
    facts += _answer(response, answer, conversation_id, turn_id, sound, cut=kind == "cut")
    first = chance.lognormvariate(6.4, 0.4)
    facts.append(
        TurnMeasured(
            response_id=response,
            endpoint_ms=round(first * 0.5, 1),
            transcript_ms=round(first * 0.6, 1),
            first_token_ms=round(first * 0.7, 1),
            first_sentence_ms=round(first * 0.8, 1),
            first_audio_ms=round(first, 1),
            model_ms=round(first * 0.45, 1),
        )
    )
    return facts


def _answer(response: str, answer: str, conversation_id: str, turn_id: str, sound: bytes, *, cut: bool) -> "list[Fact]":
    from conversations.events import ReplyFinished, ReplyGenerated, ReplyHeard, ReplySpoken

    item = response.replace("resp", "item")
    sentences = [part + mark for mark in ".。" for part in answer.split(mark) if part and mark in answer]
    spoken = sentences[:1] if cut else sentences
    heard = spoken[0][: len(spoken[0]) // 2] if cut else "".join(spoken)
    facts: list[Fact] = [
        ReplySpoken(response_id=response, item_id=item, index=index, text=text) for index, text in enumerate(spoken)
    ]
    tokens = len(answer) // 4
    facts.append(
        ReplyGenerated(
            response_id=response, item_id=item, text=answer, finish_reason="stop", input_tokens=80, output_tokens=tokens
        )
    )
    facts.append(
        ReplyHeard(
            response_id=response,
            item_id=item,
            text=heard,
            audio_ms=len(heard) * 60,
            source="client" if cut else "playback_clock",
            audio_id=_stored(conversation_id, turn_id, sound),
            complete=not cut,
        )
    )
    if cut:
        facts.append(ReplyFinished(response_id=response, status="cancelled", reason="turn_detected"))
    else:
        facts.append(ReplyFinished(response_id=response, status="completed"))
    return facts


def _stored(conversation_id: str, turn_id: str, sound: bytes) -> str:
    """The id of a recording, stored when there is a sound to store."""
    if not sound:
        return uuid.uuid4().hex
    from django.conf import settings

    from conversations.log.audio import AudioStore
    from conversations.log.keys import KeyRing
    from conversations.log.models import Purpose
    from conversations.streams import stream_of

    key = KeyRing.load(stream_of(conversation_id), [turn_id]).data_key(turn_id, Purpose.SOUND, create=True)
    return AudioStore(settings.DATA_DIR / "audio").write(key, sound)


def main() -> None:
    import django
    from tqdm import tqdm

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--conversations", type=int, default=1000)
    parser.add_argument("--turns", type=int, default=3)
    parser.add_argument("--owner", action="append", help="a user's name, who is made if need be; may be repeated")
    parser.add_argument("--days", type=float, default=90.0)
    arguments = parser.parse_args()
    django.setup()
    from django.contrib.auth import get_user_model

    users = get_user_model().objects
    owners = [str(users.get_or_create(username=name)[0].pk) for name in arguments.owner or ["filled"]]
    with tqdm(total=arguments.conversations, unit="conversation", disable=None, leave=False) as bar:
        filled = fill(
            conversations=arguments.conversations,
            turns=arguments.turns,
            owner_ids=owners,
            days=arguments.days,
            progress=bar.update,
        )
    sys.stdout.write(f"{len(filled.conversation_ids)} conversations, {filled.events} events\n")


if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "avatar_project.settings")
    main()
