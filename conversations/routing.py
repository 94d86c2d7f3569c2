"""Where each socket lives."""

from django.urls import URLPattern

websocket_urlpatterns: list[URLPattern] = []
