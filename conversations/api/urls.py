"""Where the resources live, under /api/."""

from django.urls import path

from conversations.api.changes import ChangeableConversation, Forks
from conversations.api.conversations import Conversations, Turns
from conversations.api.events import Events
from conversations.api.exporting import Export
from conversations.api.figures import Figures
from conversations.api.searching import Search
from conversations.api.sound import Sound

ONE = "conversations/<uuid:conversation_id>/"
urlpatterns = [
    path("conversations/", Conversations.as_view(), name="api_conversations"),
    path("conversations/search/", Search.as_view()),
    path(ONE, ChangeableConversation.as_view()),
    path(f"{ONE}turns/", Turns.as_view()),
    path(f"{ONE}turns/<int:number>/audio/<str:side>/", Sound.as_view()),
    path(f"{ONE}export/<str:form>/", Export.as_view()),
    path(f"{ONE}forks/", Forks.as_view()),
    path("events/", Events.as_view()),
    path("statistics/", Figures.as_view()),
]
