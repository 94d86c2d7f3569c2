"""Where each socket lives."""

from django.urls import URLPattern, path, re_path

from conversations.consumers import RealtimeConsumer, nowhere
from conversations.lending import Profiles
from conversations.oversight.outside import LogAndLayer

realtime = RealtimeConsumer(outside=LogAndLayer(), lender=Profiles())
websocket_urlpatterns: list[URLPattern] = [
    path("v1/realtime", realtime),  # type: ignore[arg-type]  # ASGI applications are routed like views
    path("ws/chat", realtime),  # type: ignore[arg-type]
    re_path("", nowhere),  # type: ignore[arg-type]
]
