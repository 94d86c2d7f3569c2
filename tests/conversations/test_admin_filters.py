"""The filters of the admin's lists find what they say, and there is no condition but theirs."""

from datetime import UTC, datetime
from uuid import UUID, uuid4

import pytest
from django.test import Client

from avatar_project.models import User
from conversations.models import Conversation, Flag, Presence, Session, Turn
from tests.conversations.listed import LISTS, NOW
from tests.conversations.moderating import person


@pytest.fixture
def client(db: None) -> Client:
    client = Client()
    client.force_login(person("mia", role="moderator", is_staff=True))
    return client


@pytest.fixture
def various(db: None) -> dict[str, UUID]:
    """Conversations that differ each in one thing from the plain one."""
    anna, ben = person("anna"), person("ben")
    plain = {
        "owner": anna,
        "started_at": NOW,
        "updated_at": NOW,
        "language": "en",
        "voice": "heart",
        "sequence": 1,
        "slowest_ms": 300.0,
    }
    differences: dict[str, dict[str, object]] = {
        "plain": {},
        "ben": {"owner": ben},
        "flagged": {"open_flags": 2},
        "failed": {"error_count": 1},
        "slow": {"slowest_ms": 2000.0},
        "chinese": {"language": "zh-TW"},
        "xiao": {"voice": "xiaoxiao"},
        "text": {"keep": "text"},
        "hidden": {"hidden": True},
        "erased": {"erased_at": NOW},
        "recent": {"updated_at": datetime.now(UTC)},
        "live": {},
    }
    ids = {name: uuid4() for name in differences}
    for name, difference in differences.items():
        Conversation.objects.create(id=ids[name], **(plain | difference))
    Session.objects.create(session_id="s", conversation_id=ids["live"], opened_at=NOW)
    Presence.objects.create(session_id="s", process="p", seen_at=datetime.now(UTC))
    return ids


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("flags=open", {"flagged"}),
        ("errors=some", {"failed"}),
        ("latency=slow", {"slow"}),
        ("language=zh-TW", {"chinese"}),
        ("voice=xiaoxiao", {"xiao"}),
        ("keep=text", {"text"}),
        ("state=hidden", {"hidden"}),
        ("state=erased", {"erased"}),
        ("state=live", {"live"}),
        ("period=day", {"recent"}),
        ("q=BEN", {"ben"}),
        ("q=nobody", set()),
        ("latency=slow&flags=open", set()),
        ("since=2026-06-02&until=2026-06-03", set()),
        ("since=nonsense&flags=open", {"flagged"}),
    ],
)
def test_a_filter_finds_what_it_says(client: Client, various: dict[str, UUID], query: str, found: set[str]) -> None:
    page = client.get(f"/admin/conversations/conversation/?{query}").content.decode()
    assert {name for name, identifier in various.items() if str(identifier) in page} == found


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("error=any", {"t2"}),
        ("error=none", {"t1", "t3"}),
        ("latency=good", {"t1"}),
        ("latency=stuck", {"t2"}),
        ("latency=good&error=any", set()),
    ],
)
def test_recordings_are_found_by_error_and_wait(
    client: Client, various: dict[str, UUID], query: str, found: set[str]
) -> None:
    for number, (error, waited_ms) in enumerate([("", 900.0), ("engine", 4000.0), ("", None)], start=1):
        Turn.objects.create(
            conversation_id=various["plain"],
            turn_id=f"t{number}",
            number=number,
            started_at=NOW,
            user_audio_id="a" * 32,
            error_code=error,
            first_audio_ms=waited_ms,
        )
    listed = client.get(f"/admin/conversations/recording/?{query}").context["cl"].result_list
    assert {turn.turn_id for turn in listed} == found


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("errors=some", {"failed"}),
        ("flags=open", {"flagged"}),
        ("errors=none&flags=none", {"plain", "chinese", "xiao"}),
        ("errors=some&flags=open", set()),
    ],
)
def test_sessions_are_found_by_what_their_conversation_has(
    client: Client, various: dict[str, UUID], query: str, found: set[str]
) -> None:
    for name in ("plain", "failed", "flagged", "chinese", "xiao"):
        Session.objects.create(session_id=name, conversation_id=various[name], opened_at=NOW)
    listed = client.get(f"/admin/conversations/session/?{query}").context["cl"].result_list
    assert {session.session_id for session in listed} - {"s"} == found


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("language=zh-TW", {"chinese"}),
        ("voice=xiaoxiao", {"xiao"}),
        ("language=en&voice=heart", {"plain"}),
        ("language=zh-TW&voice=xiaoxiao", set()),
    ],
)
def test_flags_are_found_by_language_and_voice(
    client: Client, various: dict[str, UUID], query: str, found: set[str]
) -> None:
    for name in ("plain", "chinese", "xiao"):
        Flag.objects.create(flag_id=name, conversation_id=various[name], reason="hate", raised_at=NOW)
    page = client.get(f"/admin/conversations/flag/?{query}")
    assert {flag.flag_id for flag in page.context["cl"].result_list} == found
    assert "xiaoxiao" in page.content.decode(), "the voices there are can be chosen"


def test_days_are_from_midnight_to_midnight(client: Client, various: dict[str, UUID]) -> None:
    page = client.get("/admin/conversations/conversation/?since=2026-06-01&until=2026-06-01").content.decode()
    assert str(various["plain"]) in page
    assert str(various["recent"]) not in page


def test_one_person_or_one_id_is_found(client: Client, various: dict[str, UUID]) -> None:
    ben = User.objects.get(username="ben")
    for query in (f"person={ben.pk}", f"q={ben.pk}", f"q={various['ben']}"):
        page = client.get(f"/admin/conversations/conversation/?{query}").content.decode()
        assert str(various["ben"]) in page
        assert str(various["plain"]) not in page
    assert client.get("/admin/conversations/conversation/?person=nonsense").status_code == 200


@pytest.mark.parametrize(
    "query", ["sealed_words__startswith=a", "owner__password__startswith=a", "id__gt=1", "hidden__exact=1"]
)
def test_no_condition_but_those_of_the_filters(client: Client, query: str) -> None:
    for path in LISTS[:5]:
        assert client.get(f"{path}?{query}").status_code == 400
