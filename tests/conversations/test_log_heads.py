"""Heads that were kept elsewhere show that a whole log was rewritten, which the log itself cannot."""

import base64
import io
from pathlib import Path

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from django.core.management import CommandError, call_command
from django_q.models import Schedule
from pytest_django import Settings

from conversations import schedules, tasks
from conversations.log import heads, keys
from conversations.log.chain import GENESIS, compute_hash
from conversations.log.eventlog import event_log
from conversations.log.models import Event, Head
from conversations.log.verify import verify
from tests.conversations.log_helpers import append, execute, forge_highest_position, noted, said, triggers_off

pytestmark = pytest.mark.django_db(transaction=True)

A = "conversation-0198a000-0000-7000-8000-00000000000a"
B = "conversation-0198a000-0000-7000-8000-00000000000b"


@pytest.fixture(autouse=True)
def _recorded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("conversations.log.projectors._projectors", {})
    append(A, said("one"), noted(2))
    append(B, noted(1), said("two"))
    append(A, noted(3))


@pytest.fixture
def exported(tmp_path: Path) -> Path:
    path = tmp_path / "heads.json"
    call_command("export_heads", str(path), stderr=io.StringIO())
    return path


def _verify(*arguments: str) -> tuple[int, str]:
    out = io.StringIO()
    try:
        call_command("verify_chain", *arguments, stdout=out, stderr=out)
    except CommandError as failure:
        return failure.returncode, out.getvalue() + str(failure)
    return 0, out.getvalue()


def _rewrite(stream: str, position: int, payload: str) -> None:
    """What somebody with the database in hand can do: another content, and a chain that holds all the same."""
    with triggers_off():
        assert execute("UPDATE log_event SET payload = %s WHERE position = %s", payload, position) == 1
        _relink(stream)


def _relink(stream: str) -> None:
    previous = GENESIS
    for event in Event.objects.filter(stream=stream).order_by("sequence"):
        event.prev_hash = previous
        previous = compute_hash(event)
        execute(
            "UPDATE log_event SET prev_hash = %s, hash = %s WHERE position = %s",
            event.prev_hash,
            previous,
            event.position,
        )
        execute(
            "UPDATE log_head SET hash = %s, sequence = %s, position = %s WHERE stream = %s",
            previous,
            event.sequence,
            event.position,
            stream,
        )


def test_the_heads_are_in_the_log_that_they_were_taken_from_and_in_all_that_follows(exported: Path) -> None:
    assert _verify("--heads", str(exported))[0] == 0
    append(A, said("more"))
    append("conversation-new", noted(1))
    status, told = _verify("--heads", str(exported))
    assert status == 0
    assert "are all in them" in told


def test_an_erased_conversation_still_holds_its_exported_head(exported: Path) -> None:
    event_log().write_now(lambda: keys.destroy(A))
    append(A, noted(9))
    assert _verify("--heads", str(exported))[0] == 0


def test_a_log_that_was_rewritten_whole_holds_in_itself_but_not_against_the_heads(exported: Path) -> None:
    _rewrite(A, 2, '{"value":666}')
    assert _verify()[0] == 0, "nothing within the database shows it"

    status, told = _verify("--heads", str(exported))
    assert status == 1
    assert "BROKEN conversation 0198a000-0000-7000-8000-00000000000a, event 3 (position 5)" in told
    assert "rewritten since" in told
    assert "0000000b" not in told, "the other stream is as it was"
    assert _verify(B.removeprefix("conversation-"), "--heads", str(exported))[0] == 0
    assert _verify(A.removeprefix("conversation-"), "--heads", str(exported))[0] == 1


def test_an_end_that_was_cut_off_cleanly_shows(exported: Path) -> None:
    with triggers_off():
        execute("DELETE FROM log_event WHERE position = 5")
        forge_highest_position(4)
        _relink(A)
    assert _verify()[0] == 0, "nothing within the database shows it"
    status, told = _verify("--heads", str(exported))
    assert status == 1
    assert "event 3 (position 5): it was exported as the last and is missing since" in told


def test_a_stream_that_was_removed_cleanly_is_missed() -> None:
    append("conversation-last", noted(1))
    kept = heads.export()
    with triggers_off():
        execute("DELETE FROM log_event WHERE stream = 'conversation-last'")
        execute("DELETE FROM log_head WHERE stream = 'conversation-last'")
        forge_highest_position(5)
    assert verify().breaks == []
    assert [(found.stream, found.sequence) for found in verify(exported=kept).breaks] == [("conversation-last", 1)]


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ('"highest_position":5', '"highest_position":4', "signature does not hold"),
        (f'["{B}",2,4,', f'["{B}",1,4,', "heads are not those that were signed"),
        ('"avatar heads 1"', '"avatar heads 9"', "format"),
        ("]}", "", "cut short"),
    ],
)
def test_a_file_that_was_changed_is_refused(exported: Path, old: str, new: str, told: str) -> None:
    content = exported.read_text()
    assert old in content
    exported.write_text(content.replace(old, new))
    status, said_ = _verify("--heads", str(exported))
    assert status == 1
    assert told in said_


def test_a_file_signed_by_somebody_else_is_refused_unless_their_key_is_named(exported: Path) -> None:
    content = heads.read(exported.read_bytes())
    stranger = Ed25519PrivateKey.generate()
    forged = msgspec.structs.replace(
        content,
        public_key=heads.public_text(stranger.public_key()),
        signature=base64.b64encode(stranger.sign(heads._signed(content.statement))).decode(),
    )
    exported.write_bytes(heads.encode(forged))
    assert "not this server's" in _verify("--heads", str(exported))[1]
    assert _verify("--heads", str(exported), "--public-key", forged.public_key)[0] == 0
    assert "not the one given" in _verify("--heads", str(exported), "--public-key", content.public_key)[1]


def test_after_the_master_key_has_changed_the_kept_public_key_still_reads_the_file(
    exported: Path, settings: Settings
) -> None:
    kept = heads.read(exported.read_bytes()).public_key
    before = settings.AVATAR_MASTER_KEY
    settings.AVATAR_MASTER_KEY = base64.b64encode(b"n" * 32).decode()
    assert "give the one you kept" in _verify("--heads", str(exported))[1]
    assert _verify("--heads", str(exported), "--public-key", kept)[0] == 0
    settings.AVATAR_MASTER_KEY_PREVIOUS = before
    assert _verify("--heads", str(exported))[0] == 0


def test_the_task_cluster_exports_them_by_the_clock(settings: Settings, tmp_path: Path) -> None:
    schedules.ensure()
    assert not Schedule.objects.filter(func="conversations.tasks.export_heads").exists()
    settings.HEADS_DIR, settings.HEADS_MINUTES = tmp_path / "elsewhere", 60
    schedules.ensure()
    schedules.ensure()
    assert Schedule.objects.get(func="conversations.tasks.export_heads").minutes == 60

    names = [tasks.export_heads(), tasks.export_heads()]

    assert sorted(path.name for path in (tmp_path / "elsewhere").iterdir()) == sorted(names)
    assert len(heads.read((tmp_path / "elsewhere" / names[0]).read_bytes()).heads) == Head.objects.count()
    settings.HEADS_DIR = None
    schedules.ensure()
    assert not Schedule.objects.filter(func="conversations.tasks.export_heads").exists()
