"""Log lines: structured, one a line, never a word of what was said."""

from typing import Any

import structlog

_COMMON = (
    structlog.stdlib.add_log_level,
    structlog.stdlib.add_logger_name,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
)


def configure(level: str, *, plain: bool) -> dict[str, Any]:
    """Has structlog write through Python's logging; returns Django's ``LOGGING``.

    ``level``: of everything that has no level of its own. ``plain``: for a person's eyes instead of JSON.
    """
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            *_COMMON,
            structlog.processors.format_exc_info,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )
    quiet = "WARNING" if level == "INFO" else level
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {
            "line": {
                "()": "structlog.stdlib.ProcessorFormatter",
                "processors": [
                    structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                    structlog.dev.ConsoleRenderer(colors=False) if plain else structlog.processors.JSONRenderer(),
                ],
                "foreign_pre_chain": list(_COMMON),
            }
        },
        "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line"}},
        "root": {"handlers": ["stderr"], "level": level},
        "loggers": {
            "django": {"handlers": [], "level": "INFO", "propagate": True},
            # Their news of every start and stop is nobody's.
            "django-q": {"level": quiet},
            "daphne": {"level": quiet},
            # A traceback every second while Redis is away; `conversations.oversight.broadcast` says it in a line.
            "channels_redis": {"level": "CRITICAL"},
        },
    }
