"""Where the resources live, under /api/."""

from django.urls import path

from conversations.api.events import Events
from conversations.api.figures import Figures

urlpatterns = [
    path("events/", Events.as_view()),
    path("statistics/", Figures.as_view()),
]
