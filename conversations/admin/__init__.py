"""The moderator's side of conversations, in Django's admin. Nothing is changed here but through the services."""

from conversations.admin import conversations, events, flags, recordings, reruns, rules, sessions, turns  # noqa: F401 - they register
