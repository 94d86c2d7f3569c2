"""One window of speech through Whisper on CTranslate2: encoder cut to the sound, decoding with its guards."""

import math
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

import ctranslate2
import msgspec
import numpy as np
import tokenizers
from faster_whisper.feature_extractor import FeatureExtractor
from faster_whisper.tokenizer import Tokenizer
from faster_whisper.transcribe import get_suppressed_tokens, merge_punctuations

from inference.engines.base import Audio, Cancelled
from inference.types import STT_RATE, Word

_FRAMES_PER_S = 100
_FULL_FRAMES = 3000
_STEP_FRAMES = 1000
_PAD_FRAMES = 50
_POSITION_S = 0.02
_TOKENS_PER_S, _TOKENS_PER_S_RETRIED = 9.0, 16.0
"""Hasty English has six tokens a second, hasty Mandarin ten; a loop that starts costs what is above."""
_SPARE_TOKENS = 8
_MOST_TOKENS = 224
_MOST_PROMPT_TOKENS = 64
_COMPRESSION_RATIO = 2.4
_LOOP_REPEATS = 4
_LOW_LOGPROB = -1.0
_NO_SPEECH = 0.6
_OPENING, _CLOSING = "\"'“¿([{-", "\"'.。,，!！?？:：”)]}、"
Padding = Literal["zero", "floor", "full"]
"""What fills the window after the sound: zeros as faster-whisper does, its quietest value, or zeros up to 30 s."""
_RETRIES: tuple[tuple[Padding | None, dict[str, Any]], ...] = (
    ("floor", {"beam_size": 1}),
    ("full", {"beam_size": 5}),
    (None, {"beam_size": 1, "num_hypotheses": 3, "sampling_topk": 0, "sampling_temperature": 0.4}),
)


class Pass(msgspec.Struct, frozen=True):
    """What one decoding gave."""

    text: str
    tokens: tuple[int, ...]
    logprob: float
    """Mean over the tokens and the end mark."""
    no_speech: float
    finished: bool
    """It came to an end of its own."""
    repetitive: bool
    """It says the same over and over: the model's doing, or the speaker's."""

    @property
    def looped(self) -> bool:
        return self.repetitive and not self.finished

    @property
    def doubtful(self) -> bool:
        return self.repetitive or not self.finished or (self.logprob < _LOW_LOGPROB and self.no_speech <= _NO_SPEECH)


class WhisperDecoder:
    """A loaded model. Blocking; one call at a time for each of ``parallel`` workers."""

    def __init__(self, model_dir: Path, threads: int, parallel: int, beam: int) -> None:
        self._model = ctranslate2.models.Whisper(
            str(model_dir), device="cpu", compute_type="int8", intra_threads=threads, inter_threads=parallel
        )
        self._features = FeatureExtractor(feature_size=self._model.n_mels)
        self._tokenizer = tokenizers.Tokenizer.from_file(str(model_dir / "tokenizer.json"))
        self._beam = beam
        self.codes = self._known_codes() if self._model.is_multilingual else frozenset({"en"})
        self._suppressed = list(get_suppressed_tokens(self.tokenizer("en"), [-1]))

    def _known_codes(self) -> frozenset[str]:
        return frozenset(
            token[2:-2]
            for token in self._tokenizer.get_vocab()
            if token.startswith("<|") and token.endswith("|>") and token[2:-2].isalpha() and 2 <= len(token) - 4 <= 3
        )

    def tokenizer(self, code: str) -> Tokenizer:
        return Tokenizer(self._tokenizer, self._model.is_multilingual, task="transcribe", language=code)

    def encode(self, audio: Audio, padding: Padding = "zero") -> Any:
        """The encoder's output for up to 30 s, over a window no longer than the sound asks for."""
        frames = math.ceil(len(audio) / STT_RATE * _FRAMES_PER_S)
        steps = math.ceil((frames + _PAD_FRAMES) / _STEP_FRAMES)
        window = _FULL_FRAMES if padding == "full" else min(_FULL_FRAMES, steps * _STEP_FRAMES)
        mel = self._features(audio)[:, :window]
        level = float(mel.min()) if padding == "floor" else 0.0
        mel = np.pad(mel, ((0, 0), (0, window - mel.shape[1])), constant_values=level)
        return self._model.encode(ctranslate2.StorageView.from_array(np.ascontiguousarray(mel[None])))

    def detect(self, encoded: Any) -> tuple[str, float]:
        """The likeliest language's code and its probability."""
        token, probability = self._model.detect_language(encoded)[0][0]
        return token[2:-2], float(probability)

    def transcribe(
        self, audio: Audio, encoded: Any, tokenizer: Tokenizer, prompt: Sequence[int], cancelled: Cancelled
    ) -> tuple[Pass, Any]:
        """The best of at most four passes, and the encoding it was made from.

        A doubtful first pass is repeated with the window filled up otherwise (what makes it loop with the one does not
        with the other), then over the padded 30 s that the model was trained on, and then with sampling, as Whisper's
        authors do (Radford et al. 2022, 4.5). Text that comes twice is what was said.
        """
        most = int(_SPARE_TOKENS + len(audio) / STT_RATE * _TOKENS_PER_S)
        tries = [(self._decode(encoded, tokenizer, prompt, most, {"beam_size": self._beam}), encoded)]
        most = int(_SPARE_TOKENS + len(audio) / STT_RATE * _TOKENS_PER_S_RETRIED)
        for padding, options in _RETRIES:
            if not tries[-1][0].doubtful or cancelled():
                return tries[-1]
            encoded = self.encode(audio, padding) if padding else encoded
            done = self._decode(encoded, tokenizer, prompt, most, options)
            if done.finished and done.text == tries[-1][0].text:
                return done, encoded
            tries.append((done, encoded))
        if not tries[-1][0].doubtful:
            return tries[-1]
        return max(tries, key=lambda done: (done[0].finished, done[0].logprob))

    def _decode(
        self, encoded: Any, tokenizer: Tokenizer, prompt: Sequence[int], most: int, options: dict[str, Any]
    ) -> Pass:
        start = [*prompt, *tokenizer.sot_sequence, tokenizer.no_timestamps]
        most = min(_MOST_TOKENS, most)
        result = self._model.generate(
            encoded,
            [start],
            # CTranslate2 makes at most half of this, and at most this less the prompt.
            max_length=max(len(start) + most, 2 * most),
            return_scores=True,
            return_no_speech_prob=True,
            suppress_blank=True,
            suppress_tokens=self._suppressed,
            **options,
        )[0]
        tokens = result.sequences_ids[0]
        text = tokenizer.decode(tokens).strip()
        return Pass(
            text=text,
            tokens=tuple(tokens),
            logprob=result.scores[0] * len(tokens) / (len(tokens) + 1),
            no_speech=result.no_speech_prob,
            finished=len(tokens) < most,
            repetitive=repeats(tokens, text),
        )

    def prompt_tokens(self, prompt: str | None, tokenizer: Tokenizer) -> list[int]:
        """What came before, for names and spelling; its end counts."""
        if not prompt or not prompt.strip():
            return []
        return [tokenizer.sot_prev, *tokenizer.encode(" " + prompt.strip())[-_MOST_PROMPT_TOKENS:]]

    def align(self, audio: Audio, encoded: Any, tokens: Sequence[int], tokenizer: Tokenizer) -> list[Word]:
        """When each word was said, in seconds of ``audio`` (cross-attention weights and dynamic time warping)."""
        text = [token for token in tokens if token < tokenizer.eot]
        if not text:
            return []
        frames = math.ceil(len(audio) / STT_RATE * _FRAMES_PER_S)
        result = self._model.align(encoded, tokenizer.sot_sequence, [text], frames, median_filter_width=7)[0]
        starts: dict[int, int] = {}
        for token, position in result.alignments:
            starts.setdefault(token, position)
        words, groups = tokenizer.split_to_word_tokens([*text, tokenizer.eot])
        return _words(words, groups, starts, result.text_token_probs, audio)


def _words(
    words: list[str], groups: list[list[int]], starts: dict[int, int], probabilities: Sequence[float], audio: Audio
) -> list[Word]:
    """Words with their punctuation, from each token's first position in the encoder's output."""
    limit = len(audio) / STT_RATE
    timed: list[dict[str, Any]] = []
    at = 0
    for word, group in zip(words[:-1], groups[:-1], strict=True):  # the last one is the end mark
        after = at + len(group)
        begin = min(limit, starts.get(at, 0) * _POSITION_S)
        end = min(limit, max(begin, starts.get(after, 0) * _POSITION_S))
        timed.append(
            {"word": word, "tokens": group, "start": begin, "end": end, "p": float(np.mean(probabilities[at:after]))}
        )
        at = after
    merge_punctuations(timed, _OPENING, _CLOSING)
    return [Word(w["word"].strip(), w["start"], w["end"], w["p"]) for w in timed if w["word"].strip()]


def repeats(tokens: Sequence[int], text: str) -> bool:
    """Text that zlib packs too well, or a phrase of up to eight tokens said over and over."""
    raw = text.encode()
    if raw and len(raw) / len(zlib.compress(raw)) > _COMPRESSION_RATIO:
        return True
    for size in range(1, 9):
        span = size * _LOOP_REPEATS
        if any(
            all(tokens[at + i] == tokens[at + i % size] for i in range(size, span))
            for at in range(len(tokens) - span + 1)
        ):
            return size > 1 or len(set(tokens)) < len(tokens) // 2
    return False
