"""What is sent as a sample and is none: refused with a clear error, in time, and nothing of it is kept."""

import io
import time
import wave
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from django.conf import settings
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from conversations.log.audio import AudioStore
from tests.conversations.api_helpers import client_of
from tests.inference.sound_files import encoded, pcm_wav, tone
from tests.inference.test_audio_hostile import HOSTILE
from tests.voices import making
from voices.models import Voice

pytestmark = pytest.mark.django_db(transaction=True)
WITHIN_S = 15.0
MB = 1024 * 1024


def silence(seconds: float, rate: int = 16_000) -> bytes:
    return pcm_wav(bytes(int(seconds * rate) * 2), rate=rate)


def _flac(seconds: float) -> bytes:
    return encoded(tone(seconds, 16_000), 16_000, "flac", "flac")


OURS: dict[str, Callable[[], bytes]] = {
    "two seconds": lambda: pcm_wav(tone(2.0, 16_000).tobytes()),
    "thirty-one seconds": lambda: _flac(31.0),
    "an hour that is small": lambda: encoded(np.zeros(16_000 * 600, np.int16), 16_000, "ogg", "libopus"),
    "more than ten megabytes": lambda: pcm_wav(bytes(10 * MB + 2)),
    "a WAV of 8 bits that is no sound": lambda: pcm_wav(b"\x80" * 100, tag=1),
    "HTML that calls itself WAV": lambda: b"RIFF\x00\x00\x00\x00WAVE<script>alert(1)</script>",
    "a command": lambda: b"; rm -rf / ;",
    "a path": lambda: b"../../../etc/passwd",
    "a pickle": lambda: b"\x80\x04\x95\x1f\x00\x00\x00\x00\x00\x00\x00\x8c\x05posix\x94\x8c\x06system\x94\x93.",
    "a gzip": lambda: b"\x1f\x8b\x08\x00" + bytes(1000),
}
KINDS = {**HOSTILE, **OURS}


@pytest.fixture
def client(ada: Any) -> Client:
    return client_of(ada, "voices:read", "voices:write")


@pytest.fixture
def voice_id(ada: Any) -> str:
    return making.draft(ada)


def stored() -> set[str]:
    return {audio_id for audio_id, _, _ in AudioStore(settings.DATA_DIR / "audio").files()}


def post(client: Client, voice_id: str, data: Mapping[str, Any]) -> Any:
    return client.post(f"/api/voice-profiles/{voice_id}/audio/", data)


def test_there_are_more_than_thirty_kinds() -> None:
    assert len(KINDS) >= 30


@pytest.mark.parametrize("kind", KINDS)
def test_it_is_refused_in_time_and_nothing_is_kept(kind: str, client: Client, voice_id: str) -> None:
    before = stored()
    data = KINDS[kind]()
    begun = time.monotonic()
    response = post(client, voice_id, {"file": SimpleUploadedFile("voice.wav", data, "audio/wav")})
    assert time.monotonic() - begun < WITHIN_S
    assert response.status_code in {400, 413}, response.content
    problem = response.json()
    assert response["Content-Type"] == "application/problem+json"
    said = problem["errors"][0]["detail"] if "errors" in problem else problem["detail"]
    assert said.endswith((".", "on for longer."))
    assert stored() == before
    assert Voice.objects.get(id=voice_id).sample_id == ""


@pytest.mark.parametrize("name", ["../../../../tmp/evil.wav", "/etc/passwd", "a\x00b.wav", "x" * 5000, "", "..", "CON"])
def test_a_files_name_is_never_looked_at(name: str, client: Client, voice_id: str, tmp_path: Path) -> None:
    given = io.BytesIO(silence(4.0))
    given.name = name or "blob"
    before = set(Path("/tmp").glob("evil*"))
    response = post(client, voice_id, {"file": given})
    assert response.status_code in {200, 400}
    if response.status_code == 200:  # read as the sound that it is: nobody speaks
        assert response.json()["accepted"] is False
        assert [one["code"] for one in response.json()["advice"] if one["blocks"]] == ["too_short"]
    assert set(Path("/tmp").glob("evil*")) == before


def test_a_body_that_says_it_is_too_large_is_not_read(client: Client, voice_id: str) -> None:
    path = f"/api/voice-profiles/{voice_id}/audio/"
    response = client.generic(
        "POST", path, b"--x--", content_type="multipart/form-data; boundary=x", CONTENT_LENGTH=str(50 * MB)
    )
    assert response.status_code == 413
    assert response.json()["code"] == "too_large"


@pytest.mark.parametrize(
    ("body", "content_type", "status"),
    [
        (b"{}", "application/json", 415),
        (b"RIFF", "audio/wav", 415),
        (b"nonsense", "multipart/form-data; boundary=x", 400),
        (b"nonsense", "multipart/form-data", 400),
        (b"", "multipart/form-data; boundary=x", 400),
        (
            b'--x\r\nContent-Disposition: form-data; name="file"\r\n\r\nwords\r\n--x--\r\n',
            "multipart/form-data; boundary=x",
            400,
        ),
    ],
)
def test_a_request_of_another_form_is_refused(
    body: bytes, content_type: str, status: int, client: Client, voice_id: str
) -> None:
    response = client.generic("POST", f"/api/voice-profiles/{voice_id}/audio/", body, content_type=content_type)
    assert response.status_code == status, response.content
    assert response["Content-Type"] == "application/problem+json"


@pytest.mark.parametrize("kind", ["a web page", "ten hours of silence", "a WAV of 65535 channels", "a FLAC scrambled"])
def test_a_consent_is_taken_with_the_same_care(kind: str, ada: Any, client: Client) -> None:
    voice_id = making.with_sample(ada)
    path = f"/api/voice-profiles/{voice_id}/consent/"
    challenge = client.post(path, "{}", content_type="application/json").json()
    form = _multipart({"challenge": challenge["id"]}, KINDS[kind]())
    response = client.generic("PUT", path, form, content_type="multipart/form-data; boundary=x")
    assert response.status_code == 400, response.content
    assert client.get(f"/api/voice-profiles/{voice_id}/").json()["challenge"] == challenge, "it is still open"


def _multipart(fields: Mapping[str, str], file: bytes) -> bytes:
    parts = [
        f'--x\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n' for name, value in fields.items()
    ]
    head = '--x\r\nContent-Disposition: form-data; name="file"; filename="f.wav"\r\n\r\n'
    return "".join(parts).encode() + head.encode() + file + b"\r\n--x--\r\n"


def test_the_wav_that_the_tests_call_silence_is_one() -> None:
    with wave.open(io.BytesIO(silence(4.0))) as file:
        assert file.getnframes() == 64_000
