"""The pages where voices are tried and rated: one's own, those that others share, and presets."""

from typing import Any

import pytest

from inference.types import VoiceInfo
from tests.engine_host import RunningHost
from tests.voices import making
from tests.voices.paging import LIST, at, browser, told
from voices import presets, selectors
from voices.models import Preview

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("no_host")]


def test_a_shared_voice_is_tried_and_rated_but_neither_heard_nor_changed(ada: Any) -> None:
    manager = making.person("mia", "approve_voice")
    voice_id = making.shared(ada, manager)
    bob = making.person("bob")
    client = browser(bob)
    page = client.get(at(voice_id)).content.decode()
    assert "Try it" in page
    assert making.TRANSCRIPT not in page
    assert "Delete this voice" not in page
    assert client.get(at(voice_id, "/sample/sound")).status_code == 404
    assert client.post(at(voice_id, "/delete")).status_code == 404
    client.post(at(voice_id, "/rating"), {"score": "8"})
    assert selectors.profile(bob, voice_id).row.rating.own == 8
    assert "Rated 8.0 of 10 (1)" in client.get(LIST).content.decode()
    client.post(at(voice_id, "/previews"), {"text": "Say this."})
    assert "Say this." in client.get(at(voice_id, "/tries")).content.decode()
    assert "Say this." not in browser(ada).get(at(voice_id, "/tries")).content.decode()


@pytest.mark.parametrize("score", ["", "0", "11", "ten", "1" * 30])
def test_a_rating_that_cannot_be_is_told(ada: Any, score: str) -> None:
    voice_id = making.usable(ada)
    client = browser(ada)
    assert "told refused" in told(client, client.post(at(voice_id, "/rating"), {"score": score}))
    assert selectors.profile(ada, voice_id).row.rating.count == 0


@pytest.mark.parametrize(
    ("cloning", "said", "fine"), [((), True, False), (("fast",), False, False), (("fast", "fine"), False, True)]
)
def test_what_can_speak_in_it_is_offered(
    ada: Any, monkeypatch: pytest.MonkeyPatch, cloning: tuple[str, ...], said: bool, fine: bool
) -> None:
    monkeypatch.setattr(presets, "cloning", lambda: cloning)
    voice_id = making.usable(ada)
    client = browser(ada)
    page = client.get(at(voice_id)).content.decode()
    assert ("another voice says it" in page) is said
    assert ('value="fine"' in page) is fine
    client.post(at(voice_id, "/previews"), {"text": "", "quality": "fine"})
    assert Preview.objects.get().quality == "fine"


def test_presets_stand_in_the_list_and_can_be_rated_and_tried(ada: Any, engines: RunningHost) -> None:
    client = browser(ada)
    assert "Heart" in client.get(LIST).content.decode()
    preset = next(row for row in selectors.presets(ada) if row.name == "Heart")
    assert client.get(at(preset.id)).status_code == 200
    client.post(at(preset.id, "/rating"), {"score": "9"})
    client.post(at(preset.id, "/previews"), {"text": ""})
    assert Preview.objects.get().preset == preset.voice
    assert "Rated 9.0 of 10 (1)" in client.get(at(preset.id)).content.decode()


@pytest.mark.parametrize(("language", "first", "second"), [("en", "Bella", "Yunxi"), ("zh-TW", "Yunxi", "Bella")])
def test_presets_of_the_pages_language_come_first(
    ada: Any, monkeypatch: pytest.MonkeyPatch, language: str, first: str, second: str
) -> None:
    infos = [
        VoiceInfo(id="zm_yunxi", name="Yunxi", engine="kokoro", languages=("zh", "zh-TW")),
        VoiceInfo(id="af_bella", name="Bella", engine="kokoro", languages=("en", "en-US")),
        VoiceInfo(id="zm_yunyang", name="Yunyang", engine="kokoro", languages=("zh", "zh-TW")),
    ]
    monkeypatch.setattr(presets, "all_presets", lambda: tuple(infos))
    page = browser(ada, language).get(LIST).content.decode()
    assert page.index(f">{first}<") < page.index(f">{second}<")
