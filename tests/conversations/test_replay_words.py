"""What a listener understands of a replay: Whisper hears both, as far as they were heard, and no further."""

import re

import pytest
from django.contrib.auth import get_user_model

from conversations.replay.cut import as_heard as cut
from conversations.replay.mix import as_heard
from conversations.replay.sounds import sounds_of
from inference import catalogue
from inference.audio.opus import decode_opus
from inference.audio.pcm import from_float, to_float
from inference.audio.resample import resample
from inference.engines.whisper import WhisperEngine
from inference.types import STT_RATE, WIRE_RATE
from tests.conversations.replayed import Recorded
from tests.inference.spoken import english

pytestmark = [pytest.mark.models, pytest.mark.django_db(transaction=True)]

QUESTION = "Could you tell me where the nearest train station is?"
BEFORE, AFTER = "The children played football until it was dark outside.", "My brother works as a teacher."


def spoken(text: str) -> bytes:
    """PCM16 at WIRE_RATE, with a breath after it."""
    return resample(from_float(english(text)), STT_RATE, WIRE_RATE) + bytes(WIRE_RATE)


def understood(engine: WhisperEngine, opus: bytes) -> set[str]:
    heard = engine.transcribe(to_float(resample(decode_opus(opus), WIRE_RATE, STT_RATE)), language="en")
    return set(re.findall(r"[a-z]+", heard.text.lower()))


def test_the_words_are_heard_again_up_to_where_they_were_cut_off() -> None:
    engine = WhisperEngine(catalogue.locate("whisper-base"), threads=2)
    engine.load(lambda _: None)
    question, before, after = map(spoken, (QUESTION, BEFORE, AFTER))
    asked_ms, heard_ms, sent_ms = len(question) // 48, len(before) // 48, (len(before) + len(after)) // 48
    recorded = Recorded(str(get_user_model().objects.create_user(username="owner").pk))
    recorded.user("t1", 0, asked_ms, QUESTION, pcm=question)
    recorded.reply("t1", asked_ms + 2000, sent_ms, heard_ms, f"{BEFORE} {AFTER}", pcm=before + after)

    for skips in (False, True):
        mix = as_heard(recorded.view, skip_pauses=skips)
        heard = understood(engine, b"".join(mix.chunks()))
        assert {"nearest", "train", "station", "children", "football", "dark"} <= heard
        assert not {"brother", "teacher"} & heard
    answer = as_heard(recorded.view).timeline.utterances[1]
    stored = sounds_of(recorded.conversation).open(answer.audio_id)
    assert {"football", "brother", "teacher"} <= understood(engine, stored.read())
    assert not {"brother", "teacher"} & understood(engine, cut(stored, heard_ms).data)
