"""The ASGI entry: HTTP to Django, sockets through the doors to the consumers."""

import os

from channels.routing import ProtocolTypeRouter, URLRouter
from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "avatar_project.settings")
django_application = get_asgi_application()

# Only now: what follows needs Django's applications loaded.
from django.conf import settings  # noqa: E402

from avatar_project.api.stream_door import StreamDoor  # noqa: E402
from avatar_project.doors import Doors  # noqa: E402
from avatar_project.openai_api.door import Door  # noqa: E402
from avatar_project.openai_api.handler import Handler  # noqa: E402
from conversations.feed.stream import EventStream, Limits  # noqa: E402
from conversations.routing import websocket_urlpatterns  # noqa: E402

streams = EventStream(Limits(streams=settings.FEED_STREAMS, streams_each=settings.FEED_STREAMS_EACH))
application = ProtocolTypeRouter(
    {
        "http": Door(Handler(), StreamDoor(streams, django_application)),
        "websocket": Doors(URLRouter(websocket_urlpatterns)),
    }
)
