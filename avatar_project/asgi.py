"""The ASGI entry: HTTP to Django, sockets through the doors to the consumers."""

import os

from channels.routing import ProtocolTypeRouter, URLRouter
from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "avatar_project.settings")
django_application = get_asgi_application()

# Only now: what follows needs Django's applications loaded.
from avatar_project.doors import Doors  # noqa: E402
from conversations.routing import websocket_urlpatterns  # noqa: E402

application = ProtocolTypeRouter({"http": django_application, "websocket": Doors(URLRouter(websocket_urlpatterns))})
