"""The host as an aiohttp application: routes, bounds, and errors in OpenAI's shape."""

import asyncio
import hmac
from collections.abc import AsyncIterator

import structlog
from aiohttp import web
from aiohttp.typedefs import Handler

from inference.errors import EngineError
from inference.host.errors import error_response, plain_error
from inference.host.host import HOST, Host
from inference.host.routes.chat import completions
from inference.host.routes.embedding import embedding
from inference.host.routes.leases import leases, renew
from inference.host.routes.memory import load, memory, unload
from inference.host.routes.references import forget_reference, put_reference
from inference.host.routes.speech import speech
from inference.host.routes.state import health, health_stream, metrics, models
from inference.host.routes.transcriptions import transcriptions
from inference.host.routes.turn import turn
from inference.host.routes.watermark import watermark

log = structlog.get_logger(__name__)
_MOST_JSON_BYTES = 4 * 1024 * 1024


def create_app(host: Host) -> web.Application:
    app = web.Application(middlewares=[_answer_errors, _guard], client_max_size=_MOST_JSON_BYTES)
    app[HOST] = host
    app.router.add_get("/health", health)
    app.router.add_get("/health/stream", health_stream)
    app.router.add_get("/metrics", metrics)
    app.router.add_get("/v1/models", models)
    app.router.add_post("/v1/chat/completions", completions)
    app.router.add_post("/v1/audio/transcriptions", transcriptions)
    app.router.add_post("/v1/audio/speech", speech)
    app.router.add_put("/v1/audio/references/{reference}", put_reference)
    app.router.add_delete("/v1/audio/references/{reference}", forget_reference)
    app.router.add_post("/v1/audio/turn", turn)
    app.router.add_post("/v1/audio/embedding", embedding)
    app.router.add_post("/v1/audio/watermark", watermark)
    app.router.add_post("/v1/leases", leases)
    app.router.add_put("/v1/leases/{lease}", renew)
    app.router.add_get("/v1/memory", memory)
    app.router.add_post("/v1/engines/{name}/load", load)
    app.router.add_post("/v1/engines/{name}/unload", unload)
    app.cleanup_ctx.append(_engines)
    app.on_shutdown.append(_end_streams)
    return app


async def _engines(app: web.Application) -> AsyncIterator[None]:
    async with app[HOST].running():
        yield


async def _end_streams(app: web.Application) -> None:
    app[HOST].closing.set()


@web.middleware
async def _guard(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Keeps out strangers: a web page (browsers name their origin), and whoever lacks the key when one is set."""
    if "Origin" in request.headers:
        return plain_error(403, "The engine host does not serve web pages.", "forbidden")
    key = request.app[HOST].settings.engine_api_key
    shown = request.headers.get("Authorization", "").removeprefix("Bearer ")
    if key and not hmac.compare_digest(shown.encode(), key.encode()):
        return plain_error(401, "The engine host wants its key (AVATAR_ENGINE_API_KEY).", "unauthorized")
    return await handler(request)


@web.middleware
async def _answer_errors(request: web.Request, handler: Handler) -> web.StreamResponse:
    metrics_ = request.app[HOST].metrics
    route = request.match_info.route.resource.canonical if request.match_info.route.resource else "unknown"
    outcome = "ok"
    try:
        return await handler(request)
    except EngineError as error:
        outcome = error.code
        return error_response(error)
    except web.HTTPException as error:
        outcome = f"http_{error.status}"
        return plain_error(error.status, error.reason, "invalid_request")
    except TimeoutError:
        outcome = "timeout"
        return plain_error(408, "The request took too long to arrive.", "timeout")
    except (asyncio.CancelledError, ConnectionError):
        outcome = "cancelled"
        raise
    except Exception as error:
        outcome = "internal_error"
        log.exception("request_failed", route=route, kind=type(error).__name__)
        return plain_error(500, "The engine host failed at this; its log says why.", "internal_error")
    finally:
        metrics_.ended(route, outcome)
