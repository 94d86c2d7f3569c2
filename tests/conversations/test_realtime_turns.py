"""Spoken turns: events in order, work begun in the pause, noise, and speech that goes on."""

from conversations.events import TurnMeasured, UserSpoke, UserTranscribed, UserTranscriptionFailed
from inference.errors import EngineError
from tests.conversations.talker import Talker, loud, quiet, talking
from tests.fake_engines import FakeEngines

FIXED = {"input": {"turn_detection": {"type": "server_vad", "silence_duration_ms": 400}}}


def utter(t: Talker, duration_s: float = 0.6, silence_s: float = 0.6) -> None:
    t.hear(quiet(0.3) + loud(duration_s) + quiet(silence_s))


async def until_asked(t: Talker) -> None:
    await t.engines.thinking.wait()


async def test_a_spoken_turn_comes_in_the_protocols_order() -> None:
    async with talking() as t:
        t.configure(audio=FIXED)
        await t.until("session.updated")
        utter(t)
        await t.until("response.done")
        kinds = t.kinds()
        turn = kinds[kinds.index("input_audio_buffer.speech_started") : kinds.index("response.created") + 1]
        assert turn == [
            "input_audio_buffer.speech_started",
            "input_audio_buffer.speech_stopped",
            "input_audio_buffer.committed",
            "conversation.item.added",
            "conversation.item.done",
            "conversation.item.input_audio_transcription.delta",
            "conversation.item.input_audio_transcription.completed",
            "response.created",
        ]
        ids = {e["item_id"] for e in t.seen if e["type"].startswith("input_audio_buffer.")}
        assert len(ids) == 1
        assert t.last("conversation.item.input_audio_transcription.completed")["transcript"] == "hello there."


async def test_a_silence_that_is_set_is_kept_to_exactly() -> None:
    async with talking() as t:
        t.configure(audio=FIXED)
        utter(t)
        started = await t.until("input_audio_buffer.speech_started")
        stopped = await t.until("input_audio_buffer.speech_stopped")
        spoken_ms = stopped["audio_end_ms"] - started["audio_start_ms"]
        # 300 ms padding at most, 600 ms of sound, 400 ms of silence; the detector judges frames of 32 ms.
        assert 0.6 + 0.4 <= spoken_ms / 1000 <= 0.3 + 0.6 + 0.4 + 0.1


async def test_the_utterance_is_stored_before_it_is_said_to_be_committed() -> None:
    async with talking() as t:
        t.configure(audio=FIXED)
        await t.until("session.updated")
        t.record.durable.clear()
        utter(t)
        await t.until("input_audio_buffer.speech_stopped")
        await until_asked(t)
        assert "input_audio_buffer.committed" not in t.kinds()
        t.record.durable.set()
        await t.until("input_audio_buffer.committed")
        spoke = t.record.of(UserSpoke)[0]
        assert t.record.sounds[spoke.audio_id]
        await t.until("conversation.item.input_audio_transcription.completed")
        assert t.record.of(UserTranscribed)[0].text == "hello there."


async def test_the_answer_is_begun_in_the_pause_and_told_when_the_turn_is_over() -> None:
    async with talking() as t:
        t.configure(audio={"input": {"turn_detection": {"type": "server_vad", "silence_duration_ms": 2000}}})
        t.hear(quiet(0.3) + loud(0.6) + quiet(0.2))
        await until_asked(t)
        await t.engines.speaking.wait()
        assert "input_audio_buffer.speech_stopped" not in t.kinds()
        t.hear(quiet(2.0))
        await t.until("response.done")
        assert len(t.engines.requests) == 1
        assert len(t.engines.transcribed) == 1
        assert t.engines.requests[0].messages[-1]["content"] == "hello there."


async def test_the_answer_is_begun_whichever_witness_comes_last() -> None:
    async with talking() as t:
        t.engines.hear.clear()
        t.configure(audio={"input": {"turn_detection": {"type": "server_vad", "silence_duration_ms": 2000}}})
        t.hear(quiet(0.3) + loud(0.6) + quiet(0.2))
        await t.engines.judged.wait()
        t.engines.hear.set()
        await until_asked(t)
        assert "input_audio_buffer.speech_stopped" not in t.kinds()


async def test_no_answer_is_begun_to_half_a_sentence() -> None:
    async with talking() as t:
        t.engines.probability = 0.1
        t.configure(audio={"input": {"turn_detection": {"type": "server_vad", "silence_duration_ms": 500}}})
        t.hear(quiet(0.3) + loud(0.6) + quiet(0.2))
        await t.engines.judged.wait()
        t.configure()
        await t.until("session.updated")
        assert not t.engines.requests
        t.hear(quiet(0.6))
        await t.until("response.done")


async def test_what_was_begun_in_a_pause_is_void_when_speech_goes_on() -> None:
    async with talking(FakeEngines(heard=["so I", "so I said."])) as t:
        t.configure(audio={"input": {"turn_detection": {"type": "server_vad", "silence_duration_ms": 700}}})
        t.hear(quiet(0.3) + loud(0.6) + quiet(0.3))
        await until_asked(t)
        assert not t.engines.stopped
        t.hear(loud(0.6) + quiet(1.0))
        done = await t.until("response.done")
        assert done["response"]["status"] == "completed"
        assert t.kinds().count("response.created") == 1
        assert [r.messages[-1]["content"] for r in t.engines.requests] == ["so I", "so I said."]
        assert t.kinds().count("input_audio_buffer.committed") == 1


async def test_noise_is_not_answered() -> None:
    async with talking(FakeEngines(heard=[""])) as t:
        t.configure(audio=FIXED)
        utter(t)
        done = await t.until("conversation.item.input_audio_transcription.completed")
        assert done["transcript"] == ""
        t.say("session.update", session={"type": "realtime"})
        await t.until("session.updated")
        assert "response.created" not in t.kinds()
        assert not t.engines.requests


async def test_speech_before_the_answer_is_answered_together_with_what_was_said_before() -> None:
    async with talking(FakeEngines(heard=["first.", "second."])) as t:
        t.configure(audio=FIXED)
        t.engines.think.clear()
        utter(t)
        await t.until("response.created")
        utter(t)
        done = await t.until("response.done")
        assert done["response"]["status"] == "cancelled"
        assert done["response"]["status_details"]["reason"] == "turn_detected"
        t.engines.think.set()
        done = await t.until("response.done")
        assert done["response"]["status"] == "completed"
        assert [m["content"] for m in t.engines.requests[-1].messages[1:]] == ["first.", "second."]


async def test_noise_does_not_swallow_the_answer_to_what_was_said_before() -> None:
    async with talking(FakeEngines(heard=["a question.", ""])) as t:
        t.configure(audio=FIXED)
        t.engines.think.clear()
        utter(t)
        await t.until("response.created")
        utter(t)
        assert (await t.until("response.done"))["response"]["status"] == "cancelled"
        t.engines.think.set()
        done = await t.until("response.done")
        assert done["response"]["status"] == "completed"
        assert [m["content"] for m in t.engines.requests[-1].messages[1:]] == ["a question."]


async def test_words_that_come_late_are_not_answered_into_somebodys_speech() -> None:
    async with talking(FakeEngines(heard=["first.", "second."])) as t:
        t.configure(audio=FIXED)
        t.engines.hear.clear()
        utter(t)
        await t.until("input_audio_buffer.committed")
        t.hear(loud(0.5))
        await t.until("input_audio_buffer.speech_started")
        t.engines.hear.set()
        await t.until("conversation.item.input_audio_transcription.completed")
        t.hear(quiet(0.8))
        done = await t.until("response.done")
        assert done["response"]["status"] == "completed"
        assert t.kinds().count("response.created") == 1
        assert not t.errors()
        assert [m["content"] for m in t.engines.requests[-1].messages[1:]] == ["first.", "second."]


async def test_without_create_response_the_client_asks() -> None:
    async with talking() as t:
        t.configure(
            audio={
                "input": {
                    "turn_detection": {"type": "server_vad", "silence_duration_ms": 400, "create_response": False}
                }
            }
        )
        utter(t)
        await t.until("conversation.item.input_audio_transcription.completed")
        assert not t.engines.requests
        t.say("response.create")
        done = await t.until("response.done")
        assert done["response"]["status"] == "completed"


async def test_push_to_talk() -> None:
    async with talking() as t:
        t.configure(audio={"input": {"turn_detection": None}})
        t.hear(loud(0.6))
        t.say("input_audio_buffer.commit")
        t.say("response.create")
        await t.until("response.done")
        kinds = t.kinds()
        assert "input_audio_buffer.speech_started" not in kinds
        committed = kinds.index("input_audio_buffer.committed")
        assert committed < kinds.index("response.created")
        assert t.engines.requests[0].messages[-1]["content"] == "hello there."


async def test_committing_nothing_is_an_error() -> None:
    async with talking() as t:
        t.configure(audio={"input": {"turn_detection": None}})
        t.say("input_audio_buffer.commit", event_id="c")
        error = (await t.until("error"))["error"]
        assert (error["code"], error["event_id"]) == ("input_audio_buffer_commit_empty", "c")


async def test_clearing_forgets_what_was_being_said() -> None:
    async with talking() as t:
        t.configure(audio=FIXED)
        t.hear(quiet(0.3) + loud(0.6))
        await t.until("input_audio_buffer.speech_started")
        t.say("input_audio_buffer.clear")
        await t.until("input_audio_buffer.cleared")
        t.hear(quiet(1.0))
        t.configure()
        await t.until("session.updated")
        assert "input_audio_buffer.committed" not in t.kinds()


async def test_a_failed_transcription_is_told_and_an_honest_sentence_spoken() -> None:
    async with talking(FakeEngines(heard=[EngineError("Broken.", permanent=True)])) as t:
        t.configure(audio=FIXED)
        utter(t)
        failed = await t.until("conversation.item.input_audio_transcription.failed")
        assert failed["error"]["code"] == "engine_error"
        done = await t.until("response.done")
        assert done["response"]["status"] == "failed"
        assert t.engines.spoken
        assert [failed.message for failed in t.record.of(UserTranscriptionFailed)] == ["The engine failed."]


async def test_a_silent_user_is_asked() -> None:
    async with talking() as t:
        t.engines.seconds_per_letter = 0.001
        t.configure(
            audio={
                "input": {"turn_detection": {"type": "server_vad", "silence_duration_ms": 400, "idle_timeout_ms": 1000}}
            }
        )
        utter(t)
        await t.until("avatar.heard")
        t.hear(quiet(1.5))
        timeout = await t.until("input_audio_buffer.timeout_triggered")
        done = await t.until("response.done")
        assert done["response"]["status"] == "completed"
        assert timeout["audio_end_ms"] - timeout["audio_start_ms"] >= 1000


async def test_every_turn_carries_its_waterfall() -> None:
    async with talking() as t:
        t.configure(audio=FIXED)
        utter(t)
        await t.until("avatar.heard")
        told = t.last("avatar.waterfall")
    measured = t.record.of(TurnMeasured)[0]
    assert told["first_audio_ms"] == measured.first_audio_ms
    assert measured.endpoint_ms is not None
    assert measured.transcript_ms is not None
    assert measured.first_token_ms is not None
    assert measured.first_sentence_ms is not None
    assert told["own_ms"] >= 0
