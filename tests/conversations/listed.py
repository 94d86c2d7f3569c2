"""The admin's lists, and a day in the past on which everything in them happens."""

from datetime import UTC, datetime

LISTS = [
    "/admin/conversations/conversation/",
    "/admin/conversations/turn/",
    "/admin/conversations/recording/",
    "/admin/conversations/flag/",
    "/admin/conversations/session/",
    "/admin/avatar_project/user/",
    "/admin/",
]
NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
