"""The host's HTTP: OpenAI's shapes, its bounds, and that hanging up stops the work."""

import asyncio
import io
import threading
import wave
from collections.abc import Callable

import aiohttp
import pytest
from openai.types import Model
from openai.types.audio import TranscriptionVerbose

from inference.engines.base import Cancelled
from inference.errors import EngineRefused, EngineUnavailable
from inference.host.routes import listener
from tests.inference.fake_engines import FakeStt, FakeTts
from tests.inference.served import served

SILENCE = b"\0\0" * 16_000


def wav(rate: int = 16_000, channels: int = 1) -> bytes:
    out = io.BytesIO()
    with wave.open(out, "wb") as file:
        file.setnchannels(channels)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes(b"\0\0" * rate * channels)
    return out.getvalue()


def multipart(**fields: bytes | str) -> aiohttp.FormData:
    form = aiohttp.FormData(default_to_multipart=True)
    for name, value in fields.items():
        form.add_field(name, value, filename="speech" if isinstance(value, bytes) else None)
    return form


async def happened(event: threading.Event) -> None:
    assert await asyncio.to_thread(event.wait, 10)


async def until(true: Callable[[], bool]) -> None:
    async with asyncio.timeout(5):
        while not true():  # noqa: ASYNC110 - the scheduler has no event for this
            await asyncio.sleep(0)


async def test_it_transcribes_for_its_client() -> None:
    async with served(FakeStt(lambda _: "good morning")) as host:
        transcript = await host.client.transcribe(SILENCE, language="en")
    assert (transcript.text, transcript.duration_s, transcript.model) == ("good morning", 1.0, "fake-stt")


@pytest.mark.parametrize("sound", [wav(), wav(48_000, 2)])
async def test_it_transcribes_for_openais_client(sound: bytes) -> None:
    async with served() as host:
        async with host.http.post("/v1/audio/transcriptions", data=multipart(file=sound, model="whisper-1")) as answer:
            assert await answer.json() == {"text": "hello"}
        form = multipart(file=sound, response_format="verbose_json")
        async with host.http.post("/v1/audio/transcriptions", data=form) as answer:
            told = TranscriptionVerbose.model_validate(await answer.json())
    assert told.text == "hello"
    assert float(told.duration) == pytest.approx(1, abs=0.01)


async def test_plain_text_when_asked() -> None:
    async with (
        served() as host,
        host.http.post("/v1/audio/transcriptions", data=multipart(file=wav(), response_format="text")) as answer,
    ):
        assert await answer.text() == "hello\n"


@pytest.mark.parametrize(
    ("form", "code"),
    [
        ({"file": b"this is no sound at all, it is text" * 10}, "invalid_audio"),
        ({"model": "whisper-1"}, "invalid_audio"),
        ({"file": wav(), "response_format": "vtt"}, "invalid_request"),
    ],
)
async def test_a_wrong_form_is_an_error_in_openais_shape(form: dict[str, bytes | str], code: str) -> None:
    async with served() as host, host.http.post("/v1/audio/transcriptions", data=multipart(**form)) as answer:
        assert answer.status == 400
        error = (await answer.json())["error"]
    assert error["code"] == code
    assert error["message"]
    assert error["type"] == "invalid_request_error"


async def test_too_large_an_upload_is_refused() -> None:
    async with served() as host, host.http.post("/v1/audio/turn", data=b"\0" * 5_000_000) as answer:
        assert answer.status == 413
        assert (await answer.json())["error"]["code"] == "invalid_request"


async def test_hanging_up_drops_waiting_work_and_tells_running_work() -> None:
    began, stopped = threading.Event(), threading.Event()
    heard: list[int] = []

    def hear(cancelled: Cancelled) -> str:
        heard.append(1)
        began.set()
        while not cancelled():
            pass
        stopped.set()
        return ""

    async with served(FakeStt(hear)) as host:
        running = asyncio.create_task(host.client.transcribe(SILENCE))
        await happened(began)
        waiting = asyncio.create_task(host.client.transcribe(SILENCE))
        await until(lambda: host.host.scheduler.waiting == 1)
        waiting.cancel()
        running.cancel()
        await happened(stopped)
        await until(lambda: not any(host.host.scheduler.in_use().values()))
        assert host.host.scheduler.waiting == 0
    assert len(heard) == 1


async def test_speech_comes_piece_by_piece_and_stops_when_nobody_listens() -> None:
    tts = FakeTts([b"\1\0" * 2400] * 1000)
    async with served(tts=tts) as host:
        speech = host.client.speak("Hello there.", voice="anna", language="en")
        assert len(await anext(speech)) % 2 == 0
        await speech.aclose()
        await happened(tts.closed)
    assert tts.made < 1000


async def test_an_engine_does_not_wait_for_ever_for_who_does_not_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listener, "NOT_TAKEN_S", 0.3)
    tts = FakeTts([b"\1\0" * 24_000] * 1000)
    async with served(tts=tts) as host:
        async with host.http.post("/v1/audio/speech", json={"input": "Hello."}) as answer:
            assert answer.status == 200
            await happened(tts.closed)
            with pytest.raises(aiohttp.ClientPayloadError):
                await answer.read()
        assert tts.made < 1000
        async with host.http.get("/metrics") as told:
            assert 'route="/v1/audio/speech",outcome="not_taken"} 1' in await told.text()


async def test_who_reads_slowly_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listener, "NOT_TAKEN_S", 0.5)
    sound = b"\1\0" * 24_000 * 50
    async with served(tts=FakeTts([sound])) as host:
        body = {"input": "Hello.", "response_format": "pcm"}
        async with host.http.post("/v1/audio/speech", json=body) as answer:
            taken = 0
            while chunk := await answer.content.read(100_000):
                taken += len(chunk)
                await asyncio.sleep(0.03)  # it takes longer than the time-out altogether
    assert taken == len(sound)


async def test_wav_and_opus_for_openais_client() -> None:
    async with served(tts=FakeTts([b"\1\0" * 24_000])) as host:
        body = {"model": "tts-1", "input": "Hello.", "voice": "alloy"}
        async with host.http.post("/v1/audio/speech", json=body) as answer:
            sound = await answer.read()
            assert answer.content_type == "audio/wav"
            with wave.open(io.BytesIO(sound)) as file:
                assert (file.getframerate(), file.getnchannels()) == (24_000, 1)
        async with host.http.post("/v1/audio/speech", json={**body, "response_format": "opus"}) as answer:
            assert (await answer.read())[:4] == b"OggS"


@pytest.mark.parametrize(
    ("voice", "language", "spoken"),
    [
        ("anna", "en", "anna"),
        ("nobody", "en", "anna"),
        ("", "", "anna"),
        ("mei", "zh-TW", "mei"),
        ("anna", "zh-CN", "mei"),
        ("mei", "en-GB", "anna"),
    ],
)
async def test_the_voice_is_the_one_asked_for_or_one_that_speaks_the_language(
    voice: str, language: str, spoken: str
) -> None:
    tts = FakeTts()
    async with served(tts=tts) as host:
        async for _ in host.client.speak("你好 hello", voice=voice, language=language):
            pass
    assert [said[1] for said in tts.said] == [spoken]


async def test_a_language_without_a_voice_is_refused() -> None:
    async with served() as host:
        with pytest.raises(EngineRefused, match="No voice here speaks ja"):
            await anext(host.client.speak("こんにちは", voice="anna", language="ja"))


async def test_text_without_words_is_no_sound_and_no_error() -> None:
    async with served() as host:
        assert [piece async for piece in host.client.speak("👍", voice="anna", language="en")] == []


async def test_the_end_of_a_turn() -> None:
    async with served() as host:
        assert await host.client.end_of_turn(b"\0\0" * 32_000) == 1.0
        assert await host.client.end_of_turn(b"\0\0" * 8_000) == 0.0
        with pytest.raises(EngineRefused):
            await host.client.end_of_turn(b"\0\0\0")


async def test_a_web_page_is_kept_out() -> None:
    async with served() as host, host.http.get("/health", headers={"Origin": "http://evil.example"}) as answer:
        assert answer.status == 403


async def test_a_key_is_wanted_when_one_is_set() -> None:
    async with served(api_key="secret") as host:
        assert (await host.client.status()).max_sessions > 0
        async with host.http.get("/health") as answer:
            assert answer.status == 401


async def test_unknown_routes_and_methods_are_errors_in_json() -> None:
    async with served() as host:
        for path, status in (("/v1/nothing", 404), ("/v1/audio/speech", 405)):
            async with host.http.get(path) as answer:
                assert answer.status == status
                assert (await answer.json())["error"]["message"]


async def test_metrics_count_work_and_say_nothing_of_its_content() -> None:
    async with served(FakeStt(lambda _: "a secret")) as host:
        await host.client.transcribe(SILENCE)
        async with host.http.get("/metrics") as answer:
            text = await answer.text()
    assert 'avatar_engine_compute_ms_count{engine="fake-stt"} 1' in text
    assert 'avatar_requests_total{route="/v1/audio/transcriptions",outcome="ok"} 1' in text
    assert "secret" not in text


async def test_models_are_listed_as_openais_are() -> None:
    async with served() as host, host.http.get("/v1/models") as answer:
        told = [Model.model_validate(item).id for item in (await answer.json())["data"]]
    assert told == ["fake-stt", "fake-tts", "fake-turn", "fake-speaker"]


async def test_clients_see_a_load_go_on() -> None:
    stt = FakeStt(may_load=threading.Event())
    async with served(stt, loaded=False) as host:
        seen: list[tuple[str, float | None]] = []
        async with asyncio.timeout(10):
            async for status in host.client.watch_status():
                seen.append((status.engines[0].state, status.engines[0].progress))
                if seen[-1] == ("loading", 0.5):
                    assert stt.may_load is not None
                    stt.may_load.set()
                if seen[-1][0] == "ready":
                    break
    assert ("loading", 0.5) in seen


async def test_no_host_is_told_clearly() -> None:
    from inference.client import EngineClient

    async with EngineClient("unix:/tmp/there-is-no-host.sock") as client:
        with pytest.raises(EngineUnavailable, match="No engine host answers"):
            await client.status()


async def test_a_request_that_breaks_off_leaves_nothing_behind() -> None:
    async with served() as host:

        async def endless() -> object:
            yield b"--x\r\nContent-Disposition: form-data; name=file; filename=a\r\n\r\n"
            await asyncio.Event().wait()

        headers = {"Content-Type": "multipart/form-data; boundary=x"}
        with pytest.raises(TimeoutError):
            await host.http.post(
                "/v1/audio/transcriptions",
                data=endless(),
                headers=headers,
                timeout=aiohttp.ClientTimeout(total=0.1),
            )
        assert (await host.client.transcribe(SILENCE)).text == "hello"
        assert not any(host.host.scheduler.in_use().values())
