"""Django's ASGI handler with the views of /v1 alone and none of the pages' middleware (docs/adr/0125)."""

from collections.abc import Awaitable, Callable
from typing import Any

import structlog
from django.core.handlers.asgi import ASGIHandler, ASGIRequest
from django.core.handlers.exception import convert_exception_to_response
from django.http.response import HttpResponseBase

Send = Callable[[Any], Awaitable[None]]
log = structlog.get_logger(__name__)


class BrokenOff(Exception):
    """An answer that has begun cannot be ended as it should: the connection must say so."""


class Request(ASGIRequest):
    """``scope["caller"]`` and ``scope["places"]`` come from the door."""

    urlconf = "avatar_project.openai_api.urls"
    scope: dict[str, Any]


class Handler(ASGIHandler):
    """Runs the views on the event loop; a client that hangs up cancels its view, or closes its stream."""

    request_class = Request

    def load_middleware(self, is_async: bool = False) -> None:
        """There is none: the door has asked all questions."""
        self._view_middleware: list[Any] = []
        self._template_response_middleware: list[Any] = []
        self._exception_middleware: list[Any] = []
        self._middleware_chain = convert_exception_to_response(self._get_response_async)  # type: ignore[attr-defined]

    async def send_response(self, response: HttpResponseBase, send: Send) -> None:
        try:
            await super().send_response(response, send)
        except BrokenOff as error:
            log.warning("v1_broke_off", reason=str(error))
            await hang_up(send)


async def hang_up(send: Send) -> None:
    """Ends the connection in the middle of an answer, so that nobody takes half of it for the whole.

    ASGI has no message for that, and an exception would leave the client waiting and stop Daphne's own checks; but
    Daphne's ``send`` is bound to its connection. Where it is not, the answer ends as if it were whole.
    """
    bound = getattr(send, "args", ())
    channel = getattr(bound[0], "channel", None) if bound else None
    close = getattr(channel, "loseConnection", None)
    if close is None:
        await send({"type": "http.response.body", "body": b""})
    else:
        close()  # what has been written arrives; that it was not all, the missing last chunk says
