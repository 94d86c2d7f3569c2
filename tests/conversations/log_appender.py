"""The process that `test_log_kill` kills: it appends facts and says of each, once it is durable, that it is.

    python -m tests.conversations.log_appender append NAME...   resumes or starts conversations, appends until killed
    python -m tests.conversations.log_appender read             writes every fact that is stored, verifies the chains

Lines on standard output: ``conversation sequence item``.
"""

import asyncio
import os
import sys

import django


async def _append(names: list[str]) -> None:
    from django.contrib.auth import get_user_model

    from conversations.events import SessionOpened
    from conversations.log.eventlog import event_log
    from conversations.models import Conversation
    from conversations.record import ConversationRecord

    def prepare() -> tuple[str, list[str]]:
        owner, _ = get_user_model().objects.get_or_create(username="owner")
        return str(owner.pk), [str(pk) for pk in Conversation.objects.values_list("pk", flat=True)]

    owner_id, known = await event_log().read(prepare)
    async with asyncio.TaskGroup() as group:
        for number, name in enumerate(names):
            opened = SessionOpened(session_id=f"s{os.getpid()}.{number}")
            conversation_id = known[number] if number < len(known) else None
            record = await ConversationRecord.open(owner_id=owner_id, session=opened, conversation_id=conversation_id)
            for task in range(3):
                group.create_task(_talk(record, f"{name}.{os.getpid()}.{task}"))


async def _talk(record: "ConversationRecord", name: str) -> None:  # type: ignore[name-defined]  # noqa: F821
    from conversations.events import UserSpoke, UserWrote

    for turn in range(1_000_000):
        turn_id = f"{name}.{turn}"
        audio_id = await record.save_audio(turn_id, bytes(4800))
        spoke = UserSpoke(item_id=f"{turn_id}.{audio_id}", audio_id=audio_id, duration_ms=100)
        _say(record.conversation_id, await record.append(spoke, turn_id=turn_id), spoke.item_id)
        for step in range(5):
            fact = UserWrote(item_id=f"{turn_id}.{step}", text=f"the words of {turn_id}.{step}")
            _say(record.conversation_id, await record.append(fact, turn_id=turn_id), fact.item_id)


def _say(conversation_id: str, sequence: int, item_id: str) -> None:
    os.write(1, f"{conversation_id} {sequence} {item_id}\n".encode())


def _read() -> None:
    from django.conf import settings

    from conversations.events import UserSpoke, UserWrote, decode_fact
    from conversations.log import store
    from conversations.log.audio import AudioStore
    from conversations.log.keys import KeyRing
    from conversations.log.verify import verify
    from conversations.streams import conversation_of

    assert verify().breaks == []
    audio = AudioStore(settings.DATA_DIR / "audio")
    rings: dict[str, KeyRing] = {}
    for event in store.read_all():
        fact = decode_fact(event.type, event.version, event.payload, redacted=event.redacted)
        if isinstance(fact, UserSpoke):
            ring = rings.setdefault(event.stream, KeyRing.load(event.stream))
            assert audio.open(fact.audio_id, ring.find).read().startswith(b"OggS"), "the sound of a stored fact"
            _say(conversation_of(event.stream), event.sequence, fact.item_id)
        elif isinstance(fact, UserWrote):
            assert fact.text == f"the words of {fact.item_id}"
            _say(conversation_of(event.stream), event.sequence, fact.item_id)


if __name__ == "__main__":
    django.setup()
    if sys.argv[1] == "append":
        asyncio.run(_append(sys.argv[2:]))
    else:
        _read()
