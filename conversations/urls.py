"""The pages of conversations."""

from django.contrib.auth.decorators import login_not_required
from django.urls import path
from django.views.generic import RedirectView
from django.views.i18n import JavaScriptCatalog

from conversations import views
from conversations.history_pages import urls as history_urls
from conversations.replay import urls as replay_urls

app_name = "conversations"
urlpatterns = [
    path("", login_not_required(RedirectView.as_view(pattern_name="conversations:chat")), name="home"),
    path("chat", views.chat, name="chat"),
    path("chat/status", views.status, name="status"),
    path("chat/words.js", login_not_required(JavaScriptCatalog.as_view()), name="words"),
    *history_urls.urlpatterns,
    *replay_urls.urlpatterns,
]
"""Any page may say things in the reader's language: the words for scripts need no sign-in."""
