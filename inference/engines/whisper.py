"""Speech-to-text in process: Whisper on CTranslate2, the encoder's window cut to the speech (docs/adr/0042)."""

import math
import time
from collections.abc import Iterable
from pathlib import Path

import numpy as np

from inference.chinese_script import ChineseScript
from inference.engines.base import Audio, Cancelled, Hearing, Progress
from inference.engines.whisper_decoder import Pass, WhisperDecoder
from inference.engines.whisper_guard import invented
from inference.engines.whisper_language import code_of, in_script, joiner
from inference.engines.whisper_windows import Window, speech_probabilities, speech_windows
from inference.errors import EngineError, EngineRefused, EngineUnavailable
from inference.types import STT_RATE, Segment, Transcript, Word

_FILES = ("model.bin", "config.json", "tokenizer.json")
_MAX_AUDIO_S = 4 * 3600.0
_LEAST_S = 0.1
_RUNTIME_BYTES = 160 * 1024**2


_Heard = tuple[tuple[Segment, ...], tuple[Word, ...]]


class WhisperEngine:
    """`inference.engines.base.SpeechToText`: any Whisper model converted for CTranslate2."""

    def __init__(
        self,
        model_dir: Path,
        threads: int,
        *,
        parallel: int = 1,
        beam: int = 1,
        chinese: ChineseScript = "traditional",
    ) -> None:
        """``chinese``: the script of Chinese whose tag tells none."""
        self.model = model_dir.name
        self.languages: tuple[str, ...] = ()
        self.parallel = parallel
        self.memory_bytes = _RUNTIME_BYTES + _size(model_dir / "model.bin")
        self._dir = model_dir
        self._threads = threads
        self._beam = beam
        self._chinese = chinese
        self._decoder: WhisperDecoder | None = None

    def load(self, progress: Progress) -> None:
        """Loads the model and runs it once; raises `EngineError` if files are missing or unreadable."""
        missing = [name for name in _FILES if not (self._dir / name).is_file()]
        if missing:
            raise EngineError(
                f"The speech recognition model in {self._dir} lacks {', '.join(missing)}. "
                f"Pull it with: manage.py models pull {self.model}",
                permanent=True,
            )
        progress(0.1)
        try:
            decoder = WhisperDecoder(self._dir, self._threads, self.parallel, self._beam)
        except (RuntimeError, ValueError) as error:
            raise EngineError(f"The speech recognition model in {self._dir} cannot be loaded: {error}") from error
        progress(0.7)
        self.languages = tuple(sorted(decoder.codes)) + (("zh-TW", "zh-CN") if "zh" in decoder.codes else ())
        noise = np.random.default_rng(0).normal(0, 0.01, STT_RATE).astype(np.float32)
        speech_probabilities(noise)
        tokenizer = decoder.tokenizer("en")
        decoder.transcribe(noise, decoder.encode(noise), tokenizer, (), lambda: True)
        self._decoder = decoder
        progress(1.0)

    def transcribe(
        self,
        audio: Audio,
        *,
        language: str | None = None,
        prompt: str | None = None,
        words: bool = False,
        cancelled: Cancelled = lambda: False,
        hearing: Hearing | None = None,
    ) -> Transcript:
        """What was said. ``audio``: float32, mono, `STT_RATE`, shape (n,), up to four hours.

        Takes about 0.13 s for a short utterance on one core. ``language`` is a BCP-47 tag, None detects it. When
        ``cancelled`` becomes true, what was heard so far comes back, and another call with the same ``hearing`` goes
        on from there. Raises `EngineRefused` for a language that the model does not know or too long a recording,
        `EngineUnavailable` before `load`.
        """
        decoder = self._decoder
        if decoder is None:
            raise EngineUnavailable("The speech recognition model is not loaded yet.")
        if len(audio) > _MAX_AUDIO_S * STT_RATE:
            raise EngineRefused(f"The recording is longer than {_MAX_AUDIO_S / 3600:.0f} hours.")
        begun = time.perf_counter()
        hearing = hearing or Hearing()
        hearing.code = hearing.code or (code_of(language, decoder.codes) if language else "")
        audio = np.nan_to_num(audio, nan=0.0, posinf=1.0, neginf=-1.0)
        windows = speech_windows(audio, speech_probabilities(audio)) if len(audio) >= _LEAST_S * STT_RATE else []
        heard = _heard(hearing)
        for window in windows[hearing.windows :]:
            if cancelled():
                break
            segment, timed = self._window(decoder, audio, window, hearing, language, prompt, words, cancelled)
            if cancelled():  # it may have been cut short: good for now, and heard again later
                heard = _heard(hearing, segment, timed)
                break
            _keep(hearing, segment, timed)
            heard = _heard(hearing)
        return self._transcript(audio, heard, language or hearing.code, hearing.code, begun)

    def _window(
        self,
        decoder: WhisperDecoder,
        audio: Audio,
        window: Window,
        hearing: Hearing,
        tag: str | None,
        prompt: str | None,
        words: bool,
        cancelled: Cancelled,
    ) -> tuple[Segment | None, list[Word]]:
        piece = np.pad(audio[window.start : window.end], (window.lead, 0))
        encoded = decoder.encode(piece)
        hearing.code = hearing.code or decoder.detect(encoded)[0]
        tokenizer = decoder.tokenizer(hearing.code)
        primed = decoder.prompt_tokens(prompt, tokenizer)
        done, encoded = decoder.transcribe(piece, encoded, tokenizer, primed, cancelled)
        if not done.text or invented(done, window.speech):
            return None, []
        tag = tag or hearing.code
        timed: list[Word] = []
        if words and not cancelled():
            offset = (window.start - window.lead) / STT_RATE
            timed = [
                Word(
                    in_script(word.text, tag, self._chinese),
                    max(0.0, word.start_s + offset),
                    max(0.0, word.end_s + offset),
                    word.probability,
                )
                for word in decoder.align(piece, encoded, done.tokens, tokenizer)
            ]
        return _segment(done, in_script(done.text, tag, self._chinese), window), timed

    def _transcript(self, audio: Audio, heard: _Heard, tag: str, code: str, begun: float) -> Transcript:
        segments, words = heard
        tokens = sum(segment.tokens for segment in segments)
        mean = sum(segment.logprob * segment.tokens for segment in segments) / tokens if tokens else -math.inf
        return Transcript(
            text=joiner(code).join(segment.text for segment in segments),
            language=tag,
            duration_s=len(audio) / STT_RATE,
            confidence=math.exp(mean),
            no_speech_probability=max((segment.no_speech_probability for segment in segments), default=1.0),
            words=words,
            segments=segments,
            model=self.model,
            compute_ms=(time.perf_counter() - begun) * 1000,
        )


def _segment(done: Pass, text: str, window: Window) -> Segment:
    return Segment(
        text=text,
        start_s=window.start / STT_RATE,
        end_s=window.end / STT_RATE,
        logprob=done.logprob,
        no_speech_probability=done.no_speech,
        tokens=len(done.tokens),
    )


def _keep(hearing: Hearing, segment: Segment | None, words: list[Word]) -> None:
    hearing.windows += 1
    hearing.joiner = joiner(hearing.code)
    hearing.words += words
    if segment is not None:
        hearing.segments.append(segment)
        hearing.tell(segment)


def _heard(hearing: Hearing, segment: Segment | None = None, words: Iterable[Word] = ()) -> _Heard:
    segments = (*hearing.segments, segment) if segment is not None else tuple(hearing.segments)
    return segments, (*hearing.words, *words)


def _size(path: Path) -> int:
    return path.stat().st_size if path.is_file() else 0
