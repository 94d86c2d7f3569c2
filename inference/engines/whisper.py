"""Speech-to-text in process: Whisper on CTranslate2, the encoder's window cut to the speech (docs/adr/0042)."""

import math
import time
from pathlib import Path

import msgspec
import numpy as np

from inference.engines.base import Audio, Cancelled, Progress
from inference.engines.whisper_decoder import Pass, WhisperDecoder
from inference.engines.whisper_guard import invented
from inference.engines.whisper_language import code_of, in_script, joiner
from inference.engines.whisper_windows import Window, speech_probabilities, speech_windows
from inference.errors import EngineError, EngineRefused, EngineUnavailable
from inference.types import STT_RATE, Transcript, Word

_FILES = ("model.bin", "config.json", "tokenizer.json")
_MAX_AUDIO_S = 4 * 3600.0
_LEAST_S = 0.1
_RUNTIME_BYTES = 160 * 1024**2


class _Heard(msgspec.Struct, frozen=True):
    """One window's text, kept."""

    done: Pass
    text: str
    words: tuple[Word, ...]


class WhisperEngine:
    """`inference.engines.base.SpeechToText`: any Whisper model converted for CTranslate2."""

    def __init__(self, model_dir: Path, threads: int, *, parallel: int = 1, beam: int = 1) -> None:
        self.model = model_dir.name
        self.languages: tuple[str, ...] = ()
        self.parallel = parallel
        self.memory_bytes = _RUNTIME_BYTES + _size(model_dir / "model.bin")
        self._dir = model_dir
        self._threads = threads
        self._beam = beam
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
    ) -> Transcript:
        """What was said. ``audio``: float32, mono, `STT_RATE`, shape (n,), up to four hours.

        Takes about 0.13 s for a short utterance on one core. ``language`` is a BCP-47 tag, None detects it. When
        ``cancelled`` becomes true, what was heard so far comes back. Raises `EngineRefused` for a language that the
        model does not know or too long a recording, `EngineUnavailable` before `load`.
        """
        decoder = self._decoder
        if decoder is None:
            raise EngineUnavailable("The speech recognition model is not loaded yet.")
        if len(audio) > _MAX_AUDIO_S * STT_RATE:
            raise EngineRefused(f"The recording is longer than {_MAX_AUDIO_S / 3600:.0f} hours.")
        begun = time.perf_counter()
        code = code_of(language, decoder.codes) if language else None
        audio = np.nan_to_num(audio, nan=0.0, posinf=1.0, neginf=-1.0)
        windows = speech_windows(audio, speech_probabilities(audio)) if len(audio) >= _LEAST_S * STT_RATE else []
        heard: list[_Heard] = []
        for window in windows:
            if cancelled():
                break
            code, piece = self._window(decoder, audio, window, code, language, prompt, words, cancelled)
            if piece is not None:
                heard.append(piece)
        return self._transcript(audio, heard, language or code or "", code or "", begun)

    def _window(
        self,
        decoder: WhisperDecoder,
        audio: Audio,
        window: Window,
        code: str | None,
        tag: str | None,
        prompt: str | None,
        words: bool,
        cancelled: Cancelled,
    ) -> tuple[str, _Heard | None]:
        piece = np.pad(audio[window.start : window.end], (window.lead, 0))
        encoded = decoder.encode(piece)
        code = code or decoder.detect(encoded)[0]
        tokenizer = decoder.tokenizer(code)
        primed = decoder.prompt_tokens(prompt, tokenizer)
        done, encoded = decoder.transcribe(piece, encoded, tokenizer, primed, cancelled)
        if not done.text or invented(done, window.speech):
            return code, None
        tag = tag or code
        timed: list[Word] = []
        if words and not cancelled():
            offset = (window.start - window.lead) / STT_RATE
            timed = [
                Word(
                    in_script(word.text, tag),
                    max(0.0, word.start_s + offset),
                    max(0.0, word.end_s + offset),
                    word.probability,
                )
                for word in decoder.align(piece, encoded, done.tokens, tokenizer)
            ]
        return code, _Heard(done, in_script(done.text, tag), tuple(timed))

    def _transcript(self, audio: Audio, heard: list[_Heard], tag: str, code: str, begun: float) -> Transcript:
        tokens = sum(len(piece.done.tokens) for piece in heard)
        mean = sum(piece.done.logprob * len(piece.done.tokens) for piece in heard) / tokens if tokens else -math.inf
        return Transcript(
            text=joiner(code).join(piece.text for piece in heard),
            language=tag,
            duration_s=len(audio) / STT_RATE,
            confidence=math.exp(mean),
            no_speech_probability=max((piece.done.no_speech for piece in heard), default=1.0),
            words=tuple(word for piece in heard for word in piece.words),
            model=self.model,
            compute_ms=(time.perf_counter() - begun) * 1000,
        )


def _size(path: Path) -> int:
    return path.stat().st_size if path.is_file() else 0
