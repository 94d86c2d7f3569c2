"""Where each socket lives."""

from django.urls import URLPattern, path

from conversations.consumers import RealtimeConsumer
from conversations.oversight.outside import LogAndLayer

realtime = RealtimeConsumer(outside=LogAndLayer())
websocket_urlpatterns: list[URLPattern] = [
    path("v1/realtime", realtime),  # type: ignore[arg-type]  # ASGI applications are routed like views
    path("ws/chat", realtime),  # type: ignore[arg-type]
]
