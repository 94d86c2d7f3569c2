"""Exports: everything that was recorded, as data, as text, as captions, as sound."""

import io
import json
import time
from collections.abc import Iterator

import av
import pytest
from django.contrib.auth import get_user_model
from django.db import OperationalError
from django.test import AsyncClient

from avatar_project.models import User
from conversations.events import ConversationHidden, FlagRaised
from conversations.exports import documents
from conversations.exports.filenames import attachment
from conversations.history_pages import downloads
from conversations.models import Conversation
from conversations.replay.line import LONGEST_KEPT_MS
from conversations.services import erasure, titles
from inference.audio.opus import encode_opus
from inference.audio.opus_packets import PACKET_MS
from tests.conversations.replayed import Recorded
from tests.conversations.talks import Said, Talk

pytestmark = pytest.mark.django_db(transaction=True)
SOUND = encode_opus(b"\x00\x10" * 36_000)  # 1.5 s


@pytest.fixture
def owner() -> User:
    return get_user_model().objects.create_user(username="owner")


@pytest.fixture
def talk(owner: User) -> Talk:
    talk = Talk(str(owner.pk), sound=SOUND).say(
        Said("How is the <weather>?", "It is warm & dry. It will rain.", heard="It is warm"),
        Said("天氣呢？", "很熱。", language="zh"),
    )
    titles.rename(talk.id, "Weather: 天氣/Taipei", actor=owner)
    return talk


def read(talk: Talk, form: str) -> str:
    made = {"json": documents.as_json, "txt": documents.as_text, "vtt": documents.as_webvtt}[form]
    return b"".join(made(Conversation.objects.get(id=talk.id))).decode()


def test_json_is_every_fact_in_clear(talk: Talk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(documents, "_AT_ONCE", 4)
    told = json.loads(read(talk, "json"))
    assert (told["format"], told["version"]) == ("avatar.conversation", 1)
    assert told["conversation"]["title"] == "Weather: 天氣/Taipei"
    assert [event["sequence"] for event in told["events"]] == list(range(1, len(told["events"]) + 1))
    by_type: dict[str, dict[str, object]] = {}
    for event in told["events"]:
        by_type.setdefault(event["type"], event)
    assert by_type["user.transcribed"]["payload"]["text"] == "How is the <weather>?"  # type: ignore[index]
    assert by_type["reply.generated"]["payload"]["text"] == "It is warm & dry. It will rain."  # type: ignore[index]
    assert by_type["reply.heard"]["payload"]["text"] == "It is warm"  # type: ignore[index]
    assert by_type["user.spoke"]["turn"] == talk.turn_ids[0]


def test_json_says_what_was_redacted_and_leaves_moderators_notes_out(owner: User, talk: Talk) -> None:
    talk.record("", FlagRaised(flag_id="f1", reason="other", note="a moderator's note"))
    talk.record("", ConversationHidden(hidden=True, reason="hate"), ConversationHidden(hidden=False, reason="resolved"))
    erasure.redact_turn(talk.id, talk.turn_ids[0], actor=owner, reason="request")
    text = read(talk, "json")
    told = json.loads(text)
    assert "weather>" not in text
    assert "moderator" not in text
    assert not {event["type"] for event in told["events"]} & {"flag.raised", ConversationHidden.type}
    assert {event["type"] for event in told["events"] if event.get("redacted")} >= {"user.transcribed", "reply.heard"}


def test_text_is_what_was_said_and_heard(talk: Talk) -> None:
    lines = read(talk, "txt").splitlines()
    assert lines[0] == "Weather: 天氣/Taipei"
    assert any(line.endswith("You: How is the <weather>?") for line in lines)
    assert any(line.endswith("AVATAR: It is warm [cut off]") for line in lines)
    assert any(line.endswith("AVATAR: 很熱。") for line in lines)


def test_captions_are_webvtt_on_the_replays_time_line(talk: Talk) -> None:
    blocks = read(talk, "vtt").strip().split("\n\n")
    assert blocks[0] == "WEBVTT"
    cues = [block.split("\n") for block in blocks[1:]]
    assert [words for _time, words in cues] == [
        "<v You>How is the &lt;weather&gt;?",
        "<v AVATAR>It is warm",
        "<v You>天氣呢？",
        "<v AVATAR>很熱。",
    ]
    starts = [time.split(" --> ")[0] for time, _words in cues]
    assert starts == sorted(starts)
    assert all(start < end for start, end in (time.split(" --> ") for time, _words in cues))


def test_a_long_answer_is_several_captions(owner: User) -> None:
    answer = "This is a sentence of the answer. " * 10
    talk = Talk(str(owner.pk)).say(Said("Tell me.", answer.strip()))
    cues = read(talk, "vtt").strip().split("\n\n")[1:]
    assert len(cues) == 11
    assert all(len(cue.split("\n")[1]) < 110 for cue in cues)


def length_ms(opus: bytes) -> float:
    """How long FFmpeg plays it."""
    with av.open(io.BytesIO(opus), "r") as container:
        samples = sum(int(frame.samples) for frame in container.decode(container.streams.audio[0]))
    return samples / 48


@pytest.mark.parametrize("pauses_ms", [(0, 0, 0), (700, 0, 4321)])
def test_opus_is_as_long_as_what_was_heard_and_the_pauses(owner: User, pauses_ms: tuple[int, int, int]) -> None:
    """What was sent and not heard takes no time; a pause takes as long as it took."""
    recorded, at_ms = Recorded(str(owner.pk)), 0
    said = [("user", 1000, 1000), ("reply", 3000, 1500), ("user", 1234, 1234), ("reply", 2017, 2017)]
    for number, (who, sent_ms, heard_ms) in enumerate(said):
        turn_id = f"t{number // 2}"
        if who == "user":
            recorded.user(turn_id, at_ms, sent_ms)
        else:
            recorded.reply(turn_id, at_ms, sent_ms, heard_ms=heard_ms)
        at_ms += heard_ms + (*pauses_ms, 0)[number]
    heard_ms = sum(heard for _who, _sent, heard in said)
    exported = b"".join(documents.as_opus(Conversation.objects.get(id=recorded.id)))
    assert length_ms(exported) == pytest.approx(heard_ms + sum(pauses_ms), abs=PACKET_MS)
    without = b"".join(documents.as_opus(Conversation.objects.get(id=recorded.id), skip_pauses=True))
    kept = sum(min(pause, LONGEST_KEPT_MS) for pause in pauses_ms)
    assert length_ms(without) == pytest.approx(heard_ms + kept, abs=PACKET_MS)


async def test_an_export_is_sent_with_a_safe_name(owner: User, talk: Talk) -> None:
    client = AsyncClient()
    await client.aforce_login(owner)
    for form, kind in (("json", "application/json"), ("txt", "text/plain"), ("vtt", "text/vtt"), ("opus", "audio/ogg")):
        answer = await client.get(f"/history/{talk.id}/export/{form}")
        assert answer.status_code == 200
        assert answer.headers["Content-Type"].startswith(kind)
        header = answer.headers["Content-Disposition"]
        assert header.startswith('attachment; filename="2')
        assert f'Weather Taipei.{form}"' in header
        assert "filename*=UTF-8''2" in header
        assert "%E5%A4%A9%E6%B0%A3" in header
        assert b"".join([piece async for piece in answer.streaming_content])  # type: ignore[attr-defined]
    assert (await client.get(f"/history/{talk.id}/export/exe")).status_code == 404


async def test_a_text_is_in_its_readers_language(owner: User, talk: Talk) -> None:
    client = AsyncClient()
    await client.aforce_login(owner)
    for form, named in (("txt", "您: How is the <weather>?"), ("vtt", "<v 您>How is the")):
        path = f"/history/{talk.id}/export/{form}"
        answer = await client.get(path, headers={"accept-language": "zh-TW"})
        text = b"".join([piece async for piece in answer.streaming_content]).decode()  # type: ignore[attr-defined]
        assert named in text
        assert "You" not in text
        if form == "txt":
            assert "It is warm [被打斷]" in text


async def test_another_persons_export_is_not_found(talk: Talk) -> None:
    client = AsyncClient()
    await client.aforce_login(await get_user_model().objects.acreate(username="other"))
    assert (await client.get(f"/history/{talk.id}/export/json")).status_code == 404


@pytest.mark.parametrize(
    ("name", "plain", "full"),
    [
        ("Café / ../../etc", 'filename="Cafe .. .. etc.txt"', "Caf%C3%A9%20..%20..%20etc.txt"),
        ("天氣", 'filename="conversation.txt"', "%E5%A4%A9%E6%B0%A3.txt"),
        ('a"b\r\nc', 'filename="a b c.txt"', "a%20b%20c.txt"),
        ("", 'filename="conversation.txt"', "conversation.txt"),
    ],
)
def test_names_are_safe(name: str, plain: str, full: str) -> None:
    header = attachment(name, "txt")
    assert plain in header
    assert header.endswith(f"UTF-8''{full}")
    assert header.isascii()
    assert header.isprintable()


def test_an_export_that_broke_is_not_taken_for_ended() -> None:
    """A generator that raised is finished: asked once more, as reads are, it would look like the end."""

    def breaking() -> Iterator[bytes]:
        yield b"the first half"
        raise OperationalError("the connection is closed")

    pieces = downloads._Pieces(breaking())
    assert pieces.next() == b"the first half"
    with pytest.raises(OperationalError):
        pieces.next()
    with pytest.raises(downloads.ExportBroken):
        pieces.next()


async def test_a_long_export_is_no_faster_than_it_may_be_taken(talk: Talk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(downloads, "AT_ONCE_BYTES", 1_000)
    monkeypatch.setattr(downloads, "PACED_BYTES_PER_S", 10_000)
    conversation = await Conversation.objects.aget(id=talk.id)
    began = time.monotonic()
    sent = [len(piece) async for piece in downloads._pieces(lambda _: iter([bytes(1_000)] * 6), conversation)]
    assert sum(sent) == 6_000
    assert time.monotonic() - began > 0.35
