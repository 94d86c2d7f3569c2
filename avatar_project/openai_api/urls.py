"""The addresses of /v1 over HTTP; the socket /v1/realtime is beside them (`conversations.routing`)."""

from django.urls import path, re_path

from avatar_project.openai_api import chat, models, speech, transcriptions, voices
from avatar_project.openai_api.views import nowhere

urlpatterns = [
    path("v1/models", models.models),
    path("v1/models/<path:name>", models.model),
    path("v1/chat/completions", chat.completions),
    path("v1/audio/speech", speech.speech),
    path("v1/audio/transcriptions", transcriptions.transcriptions),
    path("v1/audio/voices", voices.voices),
    path("v1/audio/models", models.speech_models),
    re_path("", nowhere),
]
