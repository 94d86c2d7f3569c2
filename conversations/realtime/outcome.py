"""How an answer ends, and what is told and recorded of that."""

from conversations.events import Fact, ReplyFinished, ReplyGenerated
from conversations.realtime.heard import SpokenAnswer
from conversations.realtime.protocol import server_events as ev
from conversations.realtime.stage import Reason
from conversations.realtime.steps import Fault, Finished
from inference.types import Usage


class Outcome:
    """Gathered while the answer is made; ``cancelled_for`` is set when somebody ends it."""

    def __init__(self) -> None:
        self.finished = Finished("stop")
        self.cancelled_for: Reason | None = None
        self._fault: Fault | None = None

    def failed(self, fault: Fault) -> None:
        """Something failed; what failed first is what the client is told."""
        self._fault = self._fault or fault

    def status(self, answer: SpokenAnswer | None) -> ev.FinalStatus:
        """Of an answer that was made to its end; ``answer``: what was spoken of it, if it was to be."""
        if self._fault is not None and (self._fault.fatal or self._silent(self._fault, answer)):
            return "failed"
        return "incomplete" if self.finished.reason in {"length", "content_filter"} else "completed"

    def details(self, status: ev.ResponseStatus) -> ev.StatusDetails | None:
        """None while it is in progress."""
        if status == "in_progress":
            return None
        error = None
        if status == "failed" and self._fault is not None:
            error = ev.ErrorDetails(type="server_error", code=self._fault.code, message=self._fault.message)
        return ev.StatusDetails(type=status, reason=self._reason(status), error=error)

    def facts(
        self, response_id: str, item_id: str, *, text: str, usage: Usage, status: ev.FinalStatus
    ) -> tuple[Fact, ...]:
        """``text``: what the model wrote; nothing is recorded as generated where it wrote nothing."""
        finished = ReplyFinished(response_id=response_id, status=status, reason=self._reason(status) or "")
        if not text:
            return (finished,)
        generated = ReplyGenerated(
            response_id=response_id,
            item_id=item_id,
            text=text,
            finish_reason=self.finished.reason,
            input_tokens=usage.input_tokens,
            output_tokens=usage.output_tokens,
            cached_tokens=usage.cached_tokens,
        )
        return (generated, finished)

    def _reason(self, status: ev.FinalStatus) -> str | None:
        if status == "cancelled":
            return self.cancelled_for
        if status == "incomplete":
            return "content_filter" if self.finished.reason == "content_filter" else "max_output_tokens"
        return None

    @staticmethod
    def _silent(fault: Fault, answer: SpokenAnswer | None) -> bool:
        """Text-to-speech gave no sound at all: the words went out as text only."""
        return fault.code.startswith("speech_") and answer is not None and answer.sent_s == 0
