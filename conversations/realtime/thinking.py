"""The words of an answer as the chat model writes them: whole sentences to be spoken, or text to be read."""

import asyncio
import time
from collections.abc import Callable
from contextlib import aclosing

import msgspec
import structlog

from conversations.realtime.patience import patiently
from conversations.realtime.steps import Fault, Finished, Marks, Piece, Plan, Sentence, Text, ToolPiece, units, words
from inference.errors import ContextTooLong, EngineError, EngineUnavailable
from inference.ports import Engines
from inference.speech.phrases import PhraseKey, phrase
from inference.speech.sentences import SentenceSplitter
from inference.types import Usage

log = structlog.get_logger(__name__)
FEWEST_WORDS = 5
HELD_S = 1.0
"""Fewer words than these come out garbled from a cloning engine: they wait so long for the sentence that follows."""


class Thinking:
    """``write`` takes each piece as it is known; ``cloned`` says whether a person's voice will speak it."""

    def __init__(
        self,
        engines: Engines,
        plan: Plan,
        marks: Marks,
        write: Callable[[Piece], None],
        cloned: Callable[[], bool],
    ) -> None:
        self.text = ""
        """What the model has written so far, in whole sentences if it is spoken."""
        self.usage: Usage | None = None
        """Tokens read and written so far, also of an answer that is cut off."""
        self.plan = plan
        self.marks = marks
        self._engines = engines
        self._give = write
        self._cloned = cloned
        self._sentences = 0
        self._held = ""
        self._said_enough = False

    async def run(self) -> None:
        """Bounded by the request's ``max_tokens``: the model writes to its end and leaves its place to others."""
        if self.plan.fault is not None or self.plan.script:
            if self.plan.fault is not None:
                self._say(self.plan.fault)
            else:
                self._piece(self.plan.script)
            self._write(Finished("stop"))
            return
        splitter = SentenceSplitter(self.plan.language or "en")
        called, pieces = False, 0
        reason = "stop"
        try:
            # Leaving the block stops the model.
            async with aclosing(patiently(lambda: self._engines.chat(self.plan.request, due_in_s=0.0))) as stream:
                async for delta in stream:
                    self.marks.first_token = self.marks.first_token or time.monotonic()
                    called = called or bool(delta.tool_calls)
                    pieces += bool(delta.text or delta.tool_calls)
                    # A server that counts only at the end sends a token a piece, as nearly as anybody can tell.
                    self.usage = delta.usage or _at_least(self.usage or Usage(), pieces)
                    reason = delta.finish_reason or reason
                    self._take(delta.text, splitter)
                    for call in delta.tool_calls:
                        self._write(ToolPiece(call))
                    if self._said_enough:
                        break
        except EngineError as error:
            log.warning("chat_failed", code=error.code, permanent=error.permanent)
            self._finish_text(splitter)
            self._fault(error.code, error.message, _excuse(error))
        else:
            self._finish_text(splitter)
            if not self.text.strip() and not called:
                self._fault("empty_answer", "The chat model answered nothing.", "no_answer", fatal=False)
        self._write(Finished(reason, self.usage))

    def _take(self, text: str, splitter: SentenceSplitter) -> None:
        for piece in splitter.feed(text) if self.plan.spoken else (text,):
            self._add(piece)

    def _add(self, piece: str) -> None:
        plan, said = self.plan, units(self.text)
        if plan.most is not None and said and said + units(piece) > plan.most:
            self._said_enough = True
        if piece and not self._said_enough:
            self.text += piece
            self._piece(piece)
            self._said_enough = plan.enough is not None and units(self.text) >= plan.enough

    def _finish_text(self, splitter: SentenceSplitter) -> None:
        if self.plan.spoken:
            for piece in splitter.flush():
                self._add(piece)

    def _piece(self, text: str) -> None:
        self.marks.first_sentence = self.marks.first_sentence or time.monotonic()
        text, self._held = self._held + text, ""
        if self.plan.spoken and self._cloned() and words(text) < FEWEST_WORDS:
            self._held = text
            asyncio.get_running_loop().call_later(HELD_S, self._release, text)
            return
        self._write(Sentence(self._sentences, text) if self.plan.spoken else Text(text))

    def _release(self, held: str) -> None:
        """Nothing has followed the few words, or no sentence: they are said by themselves."""
        if held and held == self._held:
            self._held = ""
            self._write(Sentence(self._sentences, held))

    def _write(self, piece: Piece) -> None:
        self._release(self._held)
        self._sentences += isinstance(piece, Sentence)
        self._give(piece)

    def _fault(self, code: str, message: str, kind: PhraseKey, *, fatal: bool = True) -> None:
        self._say(Fault(code, message, phrase(kind, self.plan.language), fatal))

    def _say(self, fault: Fault) -> None:
        self._write(fault)
        self._piece(f" {fault.spoken}" if self.text and not self.text[-1].isspace() else fault.spoken)


def _at_least(usage: Usage, output_tokens: int) -> Usage:
    return msgspec.structs.replace(usage, output_tokens=max(usage.output_tokens, output_tokens))


def _excuse(error: EngineError) -> PhraseKey:
    if isinstance(error, ContextTooLong):
        return "context_full"
    return "engine_starting" if isinstance(error, EngineUnavailable) else "engine_failed"
