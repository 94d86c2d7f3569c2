"""Where the pages of voices live."""

from django.urls import path

from voices.pages import changes, views

app_name = "voices"
_ONE = "voice-profiles/<uuid:voice_id>"

urlpatterns = [
    path("voice-profiles", views.voices, name="list"),
    path("voice-profiles/new", changes.new, name="new"),
    path(_ONE, views.profile, name="profile"),
    path(f"{_ONE}/tries", views.tries, name="tries"),
    path(f"{_ONE}/sample", changes.sample, name="sample"),
    path(f"{_ONE}/sample/sound", views.sample_sound, name="sample-sound"),
    path(f"{_ONE}/previews/<str:preview_id>/sound", views.preview_sound, name="preview-sound"),
    path(f"{_ONE}/transcript", changes.transcript, name="transcript"),
    path(f"{_ONE}/consent/ask", changes.ask, name="ask"),
    path(f"{_ONE}/consent", changes.consent, name="consent"),
    path(f"{_ONE}/consent/withdraw", changes.withdraw, name="withdraw"),
    path(f"{_ONE}/previews", changes.preview, name="preview"),
    path(f"{_ONE}/share", changes.share, name="share"),
    path(f"{_ONE}/unshare", changes.unshare, name="unshare"),
    path(f"{_ONE}/rating", changes.rate, name="rate"),
    path(f"{_ONE}/change", changes.change, name="change"),
    path(f"{_ONE}/delete", changes.delete, name="delete"),
]
