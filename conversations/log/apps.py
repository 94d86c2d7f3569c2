from django.apps import AppConfig


class LogConfig(AppConfig):
    """The event store: a leaf that imports no other app."""

    name = "conversations.log"
    label = "log"
