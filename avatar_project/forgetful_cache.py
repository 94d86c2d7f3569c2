"""Django's cache in Redis, which is empty rather than broken while Redis is away: what is in it only counts tries."""

from typing import Any

import structlog
from django.core.cache.backends.redis import RedisCache
from redis.exceptions import RedisError

log = structlog.get_logger(__name__)


class ForgetfulRedisCache(RedisCache):
    """`get`, `set`, `add` and `delete` never fail for the lack of a Redis."""

    def get(self, key: str, default: Any = None, version: int | None = None) -> Any:
        try:
            return super().get(key, default, version)
        except (RedisError, OSError) as error:
            return _away(error, default)

    def set(self, key: str, value: Any, *args: Any, **kwargs: Any) -> None:
        try:
            super().set(key, value, *args, **kwargs)
        except (RedisError, OSError) as error:
            _away(error, None)

    def add(self, key: str, value: Any, *args: Any, **kwargs: Any) -> bool:
        try:
            return super().add(key, value, *args, **kwargs)
        except (RedisError, OSError) as error:
            return bool(_away(error, True))

    def delete(self, key: str, version: int | None = None) -> bool:
        try:
            return super().delete(key, version)
        except (RedisError, OSError) as error:
            return bool(_away(error, False))


def _away(error: Exception, instead: Any) -> Any:
    log.warning("cache_away", error=type(error).__name__)
    return instead
