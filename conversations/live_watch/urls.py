"""Under ``/admin/live/``."""

from django.urls import path

from conversations.live_watch import views

app_name = "live"
urlpatterns = [
    path("", views.index, name="index"),
    path("<str:session_id>/", views.watch, name="watch"),
    path("<str:session_id>/feed", views.feed, name="feed"),
    path("<str:session_id>/act", views.act, name="act"),
]
