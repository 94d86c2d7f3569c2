"""Writing a turn of the record as a test."""

from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import msgspec

from conversations.errors import Invalid, WrongState
from conversations.events import (
    RecordingHeard,
    ReplyFailed,
    ReplyStarted,
    SessionOpened,
    UserSpoke,
    UserTranscriptionFailed,
    decode_fact,
)
from conversations.log import store
from conversations.log.types import RecordedEvent
from conversations.models import Turn
from conversations.rerun.fixture import (
    CONTEXT,
    TURN,
    Expected,
    Fixture,
    Recorded,
    Session,
    StoredFact,
    Utterance,
)
from conversations.rerun.fork import recorded_opus
from conversations.rerun.source import Said, Source, SourceTurn, read
from conversations.services.access import record
from conversations.streams import stream_of

_TEST = '''\
"""A turn that was recorded, replayed through the engines of now: see README.md beside this file."""

from pathlib import Path

import pytest

from conversations.rerun import fixture
from tests.engine_host import RunningHost, engine_host  # noqa: F401  (a fixture)

pytestmark = pytest.mark.models
FOLDER = Path(__file__).parent


async def test_the_turn_goes_as_expected(engine_host: RunningHost) -> None:  # noqa: F811
    async with engine_host.client() as engines:
        replayed = await fixture.replay(FOLDER, engines)
    found = fixture.faults(fixture.load(FOLDER).expected, replayed)
    assert not found, "\\n".join(found)
'''
_README = """\
# Turn {number} of conversation {conversation_id}

**Personal data.** This folder holds, unencrypted, what a person said, their voice if there is an `.ogg` file, and the
conversation before it. It is outside the record now: erasing the conversation does not erase this copy. Keep it where
only those who may hear it can read it, and delete it when it has served.

| file | what it is |
| --- | --- |
| `turn.json` | settings, what was said, what was made of it then with its waterfall, and what is expected |
| `context.jsonl` | the facts of the conversation before this turn, each in the version it was recorded in |
| `user-*.ogg` | the user's sound, Ogg Opus 24 kHz mono, as it was stored |
| `test_{name}.py` | the test |

The test transcribes the sound and answers it, in its context, with the engines of the checkout it runs in. Put the
folder under `tests/` of a checkout whose models are pulled (`make test` does that) and run

    python -m pytest {folder}

`expected` in `turn.json` begins with what was recorded: change it to what should have happened. The session's own
instructions and tools are not recorded; write the instructions into `session` if the client set some.
"""


def find(wanted: str, number: str = "") -> tuple[str, str]:
    """The conversation's id and the turn's number or id, from ``CONVERSATION NUMBER`` or from a turn's id alone.

    Raises `Invalid`.
    """
    if number:
        return wanted, number
    found = list(Turn.objects.filter(turn_id=wanted).values_list("conversation_id", flat=True)[:2])
    if not found:
        raise Invalid(f"There is no turn {wanted}. Give a turn's id, or a conversation's id and the turn's number.")
    if len(found) > 1:
        raise Invalid(f"Turn {wanted} was taken over by a fork: give the conversation's id and the turn's number.")
    return str(found[0]), wanted


def export(conversation_id: str, wanted: str, folder: Path) -> Fixture:
    """Writes the folder, which must not be there yet. Blocking. That it is taken out is recorded first.

    Raises `conversations.errors.Refused`, `OSError`, `conversations.log.errors.LogError`.
    """
    source = read(conversation_id)
    turn = source.turn(wanted)
    if turn is None:
        raise Invalid(f"There is no turn {wanted}; the conversation has {len(source.turns)}.")
    if turn.redacted:
        raise WrongState(f"The words of turn {turn.number} were erased: there is nothing to export.")
    events = store.read_stream(stream_of(conversation_id))
    sounds = _sounds(conversation_id, turn)
    if not sounds and not turn.words:
        raise WrongState(f"Turn {turn.number} has neither sound nor words.")
    fixture = _fixture(source, turn, events, sounds)
    folder.mkdir(mode=0o700, parents=True)
    what: Literal["sound", "words"] = "sound" if sounds else "words"
    record(conversation_id, RecordingHeard(turn_id=turn.turn_id, what=what, reason="export_fixture"), actor=None)
    for said in fixture.said:
        if said.sound:
            _write(folder / said.sound, sounds[said.item_id])
    _write(folder / TURN, msgspec.json.format(msgspec.json.encode(fixture), indent=2) + b"\n")
    _write(folder / CONTEXT, b"".join(msgspec.json.encode(fact) + b"\n" for fact in _context(events, turn)))
    name = folder.name.replace("-", "_")
    readme = _README.format(number=turn.number, conversation_id=conversation_id, name=name, folder=folder.name)
    _write(folder / "README.md", readme.encode())
    _write(folder / f"test_{name}.py", _TEST.encode())
    return fixture


def _write(path: Path, content: bytes) -> None:
    path.touch(mode=0o600)
    path.write_bytes(content)


def _sounds(conversation_id: str, turn: SourceTurn) -> dict[str, bytes]:
    """The user's recordings by item, as Ogg Opus, as far as they are there."""
    spoken = {said.item_id: said.fact.audio_id for said in turn.said.values() if isinstance(said.fact, UserSpoke)}
    found = {item_id: recorded_opus(conversation_id, audio_id) for item_id, audio_id in spoken.items()}
    return {item_id: sound for item_id, sound in found.items() if sound}


def _context(events: Sequence[RecordedEvent], turn: SourceTurn) -> list[StoredFact]:
    """The facts before the turn's first, and what came later about earlier turns (how much was heard of an answer)."""
    before: list[StoredFact] = []
    earlier: set[str] = {""}
    begun = False
    for event in events:
        turn_id = event.metadata.correlation
        begun = begun or turn_id == turn.turn_id
        if not begun:
            earlier.add(turn_id)
        if turn_id in earlier and (turn_id or not begun):
            before.append(StoredFact(event.type, event.version, turn_id, event.payload))
    return before


def _fixture(source: Source, turn: SourceTurn, events: Sequence[RecordedEvent], sounds: dict[str, bytes]) -> Fixture:
    failed = [fact for fact in turn.facts if isinstance(fact, ReplyFailed)]
    deaf = [fact for fact in turn.facts if isinstance(fact, UserTranscriptionFailed)]
    started = [fact for fact in turn.facts if isinstance(fact, ReplyStarted)]
    return Fixture(
        conversation_id=source.conversation_id,
        turn_id=turn.turn_id,
        number=turn.number,
        session=Session(
            language=source.language,
            model=started[-1].model if started else _session_model(events),
            voice=started[-1].voice if started else source.voice,
        ),
        said=tuple(_utterance(index, said, sounds) for index, said in enumerate(turn.said.values(), start=1)),
        recorded=Recorded(
            generated=turn.generated,
            heard=turn.heard,
            status=turn.status,
            error_code=failed[0].code if failed else "",
            failed_transcription=deaf[0].code if deaf else "",
            waterfall=turn.measured,
        ),
        expected=Expected(transcript=turn.words),
    )


def _utterance(index: int, said: Said, sounds: dict[str, bytes]) -> Utterance:
    transcript = said.transcript
    return Utterance(
        item_id=said.item_id,
        text=said.text,
        sound=f"user-{index}.ogg" if said.item_id in sounds else "",
        duration_ms=said.fact.duration_ms if isinstance(said.fact, UserSpoke) else 0,
        language=transcript.language if transcript is not None else "",
        confidence=transcript.confidence if transcript is not None else 0.0,
        model=transcript.model if transcript is not None else "",
    )


def _session_model(events: Sequence[RecordedEvent]) -> str:
    opened = [event for event in events if event.type == SessionOpened.type]
    if not opened:
        return ""
    fact = decode_fact(opened[-1].type, opened[-1].version, opened[-1].payload)
    return fact.model if isinstance(fact, SessionOpened) else ""
