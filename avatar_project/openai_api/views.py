"""What all views of /v1 share: methods, scopes, errors."""

import functools
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

import msgspec
import structlog
from django.core.exceptions import RequestDataTooBig
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse

from avatar_project.openai_api.callers import Caller
from avatar_project.openai_api.errors import UNGUESSED, ApiError, invalid, of_engine
from avatar_project.openai_api.handler import Request
from avatar_project.openai_api.places import Places
from inference.errors import EngineError

T = TypeVar("T")
Answer = HttpResponse | StreamingHttpResponse
View = Callable[..., Coroutine[Any, Any, HttpResponse | StreamingHttpResponse]]
log = structlog.get_logger(__name__)
UNBUFFERED = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
SSE = {"Content-Type": "text/event-stream", **UNBUFFERED}


def view(method: str, *scopes: str) -> Callable[[View], View]:
    """An async view of one method, for callers with one of ``scopes`` (none named: for everybody)."""

    def wrap(inner: View) -> View:
        @functools.wraps(inner)
        async def outer(request: Request, *args: Any, **named: Any) -> Answer:
            try:
                if request.method != method:
                    raise ApiError(405, "method_not_allowed", f"Ask with {method}.")
                if scopes:
                    caller(request).needs(*scopes)
                answer = await inner(request, *args, **named)
                for name, value in UNGUESSED.items():
                    answer[name] = value
                return answer
            except ApiError as error:
                return error.response()
            except EngineError as error:
                return of_engine(error).response()
            except RequestDataTooBig:
                return ApiError(413, "too_large", "The body is too large: at most 2 MB of JSON are taken.").response()
            except Exception as error:
                log.exception("v1_failed", path=request.path, kind=type(error).__name__)
                message = "The server failed at this; its log says why."
                return ApiError(500, "server_error", message).response()

        return outer

    return wrap


async def nowhere(request: HttpRequest) -> HttpResponse:
    """Any other address under /v1."""
    return ApiError(404, "not_found", f"There is nothing at {request.path[:200]}.").response()


def caller(request: Request) -> Caller:
    found: Caller = request.scope["caller"]
    return found


def places(request: Request) -> Places:
    found: Places = request.scope["places"]
    return found


def read_json(request: HttpRequest, kind: type[T]) -> T:
    """The body as ``kind``; raises `ApiError` naming the field that is wrong."""
    try:
        return msgspec.json.decode(request.body, type=kind)
    except msgspec.MsgspecError as error:
        raise invalid(f"The request is not what it should be: {error}") from None
    except RecursionError:
        raise invalid("The request is nested too deeply.") from None


def json_answer(value: Any) -> HttpResponse:
    return HttpResponse(
        msgspec.json.encode(value), headers={"Cache-Control": "no-store"}, content_type="application/json"
    )


def event(value: Any) -> bytes:
    """A server-sent event."""
    return b"data: " + msgspec.json.encode(value) + b"\n\n"
