"""Is a recording of ours? Asked in the admin, looked at in the background, told to who asked, and not kept."""

import os
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from django.conf import settings
from django.contrib.auth.models import Group
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.utils import timezone
from django_q.models import OrmQ
from django_q.signing import SignedPackage

from inference.audio import fingerprint
from inference.audio.wav import encode_wav
from inference.errors import EngineError, EngineUnavailable
from inference.types import WIRE_RATE, WatermarkFound
from tests.voices import making
from voices import detection, examination_job, tasks
from voices.models import Examination
from voices.services import examinations, provenance

pytestmark = pytest.mark.django_db(transaction=True)
SAID = "/admin/voices/utterance/"


def staff(name: str, role: str) -> Any:
    user = making.person(name)
    user.is_staff = True
    user.save()
    user.groups.add(Group.objects.get(name=role))
    return user


def signed_in(user: Any) -> Client:
    client = Client(headers={"Accept-Language": "en"})
    client.force_login(user)
    return client


@pytest.fixture
def client() -> Client:
    """A voice manager's."""
    return signed_in(staff("mia", "voice manager"))


@pytest.fixture(autouse=True)
def nothing_kept() -> None:
    for file in kept():
        file.unlink()


@pytest.fixture(autouse=True)
def detector(monkeypatch: pytest.MonkeyPatch) -> list[EngineError]:
    """Finds the mark, once it has raised what stands in the list."""
    faults: list[EngineError] = []

    def marked(_pcm: bytes) -> WatermarkFound:
        if faults:
            raise faults.pop(0)
        return WatermarkFound(present=True, confidence=0.97, share=1.0)

    monkeypatch.setattr(detection, "marked", marked)
    monkeypatch.setattr(examination_job, "_AGAIN_S", 0.0)
    return faults


def said_here(pcm: bytes) -> str:
    """An utterance on record that sounded so; its id."""
    opening = provenance.Opening(uuid4().hex, uuid4().hex, owner_id="o", speaker_id="s", engine="f5")
    provenance.opened(opening)
    provenance.closed(opening, duration_ms=6000, watermarked=True, fingerprint=fingerprint.compute(pcm))
    return opening.utterance_id


def wav(pcm: bytes) -> SimpleUploadedFile:
    return SimpleUploadedFile("a.wav", encode_wav(pcm, rate=WIRE_RATE))


def asked(client: Client, pcm: bytes) -> str:
    """The address of the page that tells how far it is."""
    response = client.post(f"{SAID}detect/", {"recording": wav(pcm)})
    assert response.status_code == 302, response.content
    return str(response["Location"])


def worked() -> list[str]:
    """What the task cluster would make of the queue."""
    came = []
    for row in OrmQ.objects.order_by("id"):
        task = SignedPackage.loads(row.payload)
        row.delete()
        assert task["func"] == "voices.examination_job.work"
        came.append(examination_job.work(*task["args"]))
    return came


def kept() -> list[Path]:
    return list((Path(settings.DATA_DIR) / "examined").glob("*"))


def test_a_recording_is_looked_at_in_the_background_and_its_utterance_named(client: Client) -> None:
    sound = making.pcm(6.0)
    utterance_id, _other = said_here(sound), said_here(making.pcm(6.0, seed=3))
    assert "detect/" in client.get(SAID).content.decode()
    address = asked(client, sound)
    waits = client.get(address).content.decode()
    assert "It is being looked at" in waits
    assert '<meta http-equiv="refresh"' in waits
    assert sound not in b"".join(file.read_bytes() for file in kept()), "it waits sealed"
    assert worked() == ["done"]
    assert kept() == []
    told = client.get(address).content.decode()
    assert 'class="mark completed">watermarked' in told
    assert "Confidence 0.97 over 6.0 s" in told
    assert f"{SAID}{utterance_id}/change/" in told
    assert "100 %" in told
    assert told.count("/change/") == 1
    assert '<meta http-equiv="refresh"' not in told


def test_a_sound_that_nobody_said_here_is_of_nobody(client: Client) -> None:
    said_here(making.pcm(6.0))
    address = asked(client, making.pcm(6.0, seed=7))
    assert worked() == ["done"]
    assert "no fingerprint of ours" in client.get(address).content.decode()


def test_the_fingerprint_is_told_while_the_detector_is_being_loaded(
    client: Client, detector: list[EngineError]
) -> None:
    sound = making.pcm(6.0)
    utterance_id = said_here(sound)
    detector += [EngineUnavailable("Fetching the packages: 3 of 40.")]
    address = asked(client, sound)
    assert worked() == ["to be continued"]
    told = client.get(address).content.decode()
    assert "it is tried again: Fetching the packages: 3 of 40." in told
    assert f"{SAID}{utterance_id}/change/" in told
    assert worked() == ["done"]
    told = client.get(address).content.decode()
    assert "Fetching" not in told
    assert "watermarked" in told
    assert Examination.objects.get().compared == 1, "once"


@pytest.mark.parametrize("for_good", [True, False])
def test_a_detector_that_does_not_come_is_told_and_the_rest_stands(
    client: Client, detector: list[EngineError], monkeypatch: pytest.MonkeyPatch, for_good: bool
) -> None:
    sound = making.pcm(6.0)
    said_here(sound)
    detector += [EngineUnavailable("The detector is not here.", permanent=for_good)]
    if not for_good:
        monkeypatch.setattr(examination_job, "MARK_WITHIN", timedelta(0))
    address = asked(client, sound)
    assert worked() == ["done"]
    told = client.get(address).content.decode()
    assert "could not be looked for: The detector is not here." in told
    assert "of ours" in told


def test_many_utterances_are_compared_in_slices_and_none_is_left_out(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(examination_job, "_AT_ONCE", 1)
    sound = making.pcm(6.0)
    wanted = {said_here(sound) for _ in range(3)}
    for seed in (5, 6):
        said_here(making.pcm(6.0, seed=seed))
    address = asked(client, sound)
    row = Examination.objects.get()
    for done in (1, 2):
        assert examination_job.work(row.id, slice_s=0.0) == "to be continued"
        assert f"Compared with {done} of 5 utterances" in client.get(address).content.decode()
    assert worked()[0] == "done"
    row.refresh_from_db()
    assert (row.compared, row.total) == (5, 5)
    assert {utterance for utterance, _ in row.matches} == wanted


@pytest.mark.parametrize("data", [b"", b"no sound at all", b"\x00" * (10 * 1024 * 1024 + 1)])
def test_what_is_no_recording_is_refused_on_the_form(client: Client, data: bytes) -> None:
    answer = client.post(f"{SAID}detect/", {"recording": SimpleUploadedFile("a.wav", data)})
    assert answer.status_code == 200
    assert "errorlist" in answer.content.decode()
    assert (kept(), Examination.objects.count()) == ([], 0)


def test_nobody_has_more_looked_at_than_allowed(client: Client) -> None:
    for _ in range(examinations.AT_ONCE):
        asked(client, making.pcm())
    answer = client.post(f"{SAID}detect/", {"recording": wav(making.pcm())})
    assert "let one end first" in answer.content.decode()
    assert Examination.objects.count() == examinations.AT_ONCE


def test_asking_takes_the_permission_and_the_answer_is_for_who_asked(client: Client) -> None:
    address = asked(client, making.pcm())
    assert signed_in(staff("noa", "voice manager")).get(address).status_code == 404
    assert client.get(f"{SAID}detect/{uuid4().hex}/").status_code == 404
    auditor = signed_in(staff("eve", "auditor"))
    assert auditor.get(f"{SAID}detect/").status_code == 403
    assert auditor.get(address).status_code == 403
    assert auditor.post(f"{SAID}detect/", {"recording": wav(making.pcm())}).status_code == 403


def test_what_nobody_looks_at_any_more_is_ended_and_nothing_is_left_of_it(client: Client) -> None:
    address = asked(client, making.pcm())
    assert tasks.tidy_examinations() == "0 examinations given up"
    assert len(kept()) == 1
    Examination.objects.update(updated_at=timezone.now() - examinations.LOST_AFTER)
    long_ago = (timezone.now() - 2 * examinations.LOST_AFTER).timestamp()

    for file in kept():
        os.utime(file, (long_ago, long_ago))
    assert tasks.tidy_examinations() == "1 examinations given up"
    assert kept() == []
    assert "Send it again." in client.get(address).content.decode()
    Examination.objects.update(created_at=timezone.now() - examinations.KEPT)
    tasks.tidy_examinations()
    assert client.get(address).status_code == 404


def test_a_recording_that_has_gone_is_no_answer(client: Client) -> None:
    address = asked(client, making.pcm())
    for file in kept():
        file.unlink()
    assert worked() == ["failed"]
    assert "Send it again." in client.get(address).content.decode()
