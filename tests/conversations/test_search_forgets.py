"""What search must not know: what was erased, hidden or never kept; and its tables tell nobody anything."""

import pytest
from django.contrib.auth import get_user_model

from conversations import following, search
from conversations.events import UserTranscribed
from conversations.history_tables import SearchDocument, SearchToken
from conversations.log import keys
from conversations.log.eventlog import event_log
from conversations.people_events import person_stream
from conversations.services import erasure, moderation, titles
from tests.conversations.log_helpers import stored_bytes
from tests.conversations.searching import chinese as chinese  # noqa: PLC0414  (a fixture)
from tests.conversations.searching import found, index_check
from tests.conversations.searching import owner_id as owner_id  # noqa: PLC0414  (a fixture)
from tests.conversations.searching import weather as weather  # noqa: PLC0414  (a fixture)
from tests.conversations.talks import Talk

pytestmark = pytest.mark.django_db(transaction=True)


def test_what_was_erased_is_forgotten_at_once(owner_id: str, weather: Talk, chinese: Talk) -> None:
    owner = get_user_model().objects.get(pk=owner_id)
    titles.rename(weather.id, "Trip to Kyoto", actor=owner)
    assert found(owner_id, "weather") == [weather.id]
    erasure.redact_turn(weather.id, weather.turn_ids[0], actor=owner, reason="request")
    assert found(owner_id, "weather") == []
    assert found(owner_id, "calm") == [weather.id]
    erasure.erase_conversation(weather.id, actor=owner, reason="request")
    assert not SearchDocument.objects.filter(conversation__id=weather.id).exists()
    assert found(owner_id, "calm") == []
    assert found(owner_id, "kyoto") == []
    assert found(owner_id, "天氣") == [chinese.id]
    assert index_check() == []


@pytest.mark.parametrize("what", ["turn", "conversation"])
def test_what_is_erased_while_it_is_read_is_not_indexed_after_all(
    owner_id: str, weather: Talk, what: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    owner, genuine = get_user_model().objects.get(pk=owner_id), search.index._prepare

    def erased_meanwhile(window: following.Window) -> search.index.Prepared:
        prepared = genuine(window)
        if what == "turn":
            erasure.redact_turn(weather.id, weather.turn_ids[0], actor=owner, reason="request")
        else:
            erasure.erase_conversation(weather.id, actor=owner, reason="request")
        return prepared

    monkeypatch.setattr(search.index, "_prepare", erased_meanwhile)
    assert search.catch_up() > 0  # the erasure itself is still to be read
    indexed = SearchDocument.objects.filter(conversation__id=weather.id).values_list("turn_id", flat=True)
    assert set(indexed) == ({weather.turn_ids[1]} if what == "turn" else set())


def test_what_was_erased_before_it_was_indexed_never_is(owner_id: str, weather: Talk) -> None:
    owner = get_user_model().objects.get(pk=owner_id)
    erasure.redact_turn(weather.id, weather.turn_ids[0], actor=owner, reason="request")
    assert found(owner_id, "weather") == []
    assert SearchDocument.objects.count() == 1


def test_what_a_moderator_hid_is_not_found(owner_id: str, weather: Talk) -> None:
    moderator = get_user_model().objects.create_superuser(username="moderator")
    moderation.hide(weather.id, actor=moderator, hidden=True, reason="under_review")
    assert found(owner_id, "weather") == []
    moderation.hide(weather.id, actor=moderator, hidden=False, reason="reviewed")
    assert found(owner_id, "weather") == [weather.id]


def test_a_persons_search_dies_with_their_key(owner_id: str, weather: Talk) -> None:
    assert found(owner_id, "weather") == [weather.id]
    event_log().write_now(lambda: keys.destroy(person_stream(owner_id)))
    assert found(owner_id, "weather") == []
    weather.say("One more word.")
    assert found(owner_id, "word") == []


def test_a_private_conversation_leaves_nothing_to_find(owner_id: str) -> None:
    Talk(owner_id, keep="nothing").record("t", UserTranscribed(item_id="u", text=""))
    search.catch_up()
    assert SearchDocument.objects.count() == 0


def test_the_tables_hold_no_word_and_differ_between_people(owner_id: str, weather: Talk, chinese: Talk) -> None:
    other = str(get_user_model().objects.create_user(username="other").pk)
    Talk(other).say("How is the weather tomorrow?")
    assert found(other, "weather")
    stored = stored_bytes()
    for word in ("weather", "umbrella", "天氣"):
        assert word.encode() not in stored
    by_owner: dict[str, set[int]] = {}
    for owner, token in SearchToken.objects.values_list("document__conversation__owner", "token"):
        by_owner.setdefault(str(owner), set()).add(token)
    assert by_owner.keys() == {owner_id, other}
    assert not by_owner[owner_id] & by_owner[other]
