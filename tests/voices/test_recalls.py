"""A voice that was taken back while the engine host was away: the host is told when it is there again."""

from typing import Any

import msgspec
import pytest
from django.conf import settings

from common import engine
from inference.client import EngineClient
from inference.errors import VoiceStopped
from inference.types import Reference
from tests.engine_host import RunningHost
from tests.voices import making
from voices import selectors, services, tasks
from voices.models import Recall

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("engines")]


@pytest.fixture
def away(engines: RunningHost, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Call it with whether the host is away."""
    there = settings.INFERENCE

    def change(*, gone: bool) -> None:
        nobody = msgspec.structs.replace(there, engine_url="unix:/tmp/avatar-nobody.sock")
        monkeypatch.setattr(settings, "INFERENCE", nobody if gone else there)

    return change


def refused(reference: Reference) -> bool:
    """Whether the host says nothing with it any more; else it has it now."""

    async def speak(client: EngineClient) -> None:
        async with client.speech("Yes.", voice="hibari-us", language="en", reference=reference) as speech:
            async for _ in speech:
                pass

    try:
        engine.ask(speak)
    except VoiceStopped:
        return True
    return False


@pytest.mark.parametrize("end", ["withdrawn", "deleted", "revoked"])
def test_a_host_that_was_away_forgets_when_it_is_back(away: Any, end: str) -> None:
    ada = making.person("ada")
    voice_id = making.usable(ada)
    reference = selectors.reference_for(ada.pk, voice_id)
    assert not refused(reference), "the host has it"
    away(gone=True)
    if end == "withdrawn":
        services.withdraw_consent(voice_id, actor=ada)
    elif end == "deleted":
        services.delete(voice_id, actor=ada)
    else:
        services.revoke(voice_id, actor=making.person("mia", "revoke_voice"), reason="impersonation")
    assert tasks.recall_references() == "0 references forgotten"
    away(gone=False)
    assert not refused(reference), "nobody has told the host"
    assert tasks.recall_references() == "1 references forgotten"
    assert refused(reference)
    assert not Recall.objects.exists()
    assert tasks.recall_references() == "0 references forgotten"


def test_a_host_that_is_there_is_told_at_once() -> None:
    ada = making.person("ada")
    voice_id = making.usable(ada)
    reference = selectors.reference_for(ada.pk, voice_id)
    assert not refused(reference)
    services.withdraw_consent(voice_id, actor=ada)
    assert refused(reference)
    assert not Recall.objects.exists()
