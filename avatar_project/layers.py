"""What web processes share beside the database: the Channels layer and Django's cache, in memory or in Redis."""

from typing import Any


def channel_layers(redis_url: str, secret: str) -> dict[str, Any]:
    """Django's CHANNEL_LAYERS. Pub/sub, since pokes may be lost (docs/adr/0076); encrypted under ``secret``."""
    if not redis_url:
        return {"default": {"BACKEND": "channels.layers.InMemoryChannelLayer"}}
    config = {"hosts": [redis_url], "prefix": "avatar", "symmetric_encryption_keys": [secret]}
    return {"default": {"BACKEND": "channels_redis.pubsub.RedisPubSubChannelLayer", "CONFIG": config}}


def caches(redis_url: str) -> dict[str, Any]:
    """Django's CACHES: counts of tries and requests, nothing that is missed when it is gone."""
    if not redis_url:
        return {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}
    return {
        "default": {
            "BACKEND": "avatar_project.forgetful_cache.ForgetfulRedisCache",
            "LOCATION": redis_url,
            "KEY_PREFIX": "avatar",
        }
    }
