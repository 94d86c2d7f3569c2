"""Where the resources live, under /api/."""

from django.urls import path

from voices.api.previews import OnePreview, Previews, PreviewSound
from voices.api.profiles import OneVoice, Ratings, Voices
from voices.api.recordings import Consent, ConsentSound, SampleSound
from voices.api.sharing import Approve, Reject, Revoke, Share, Waiting

ALL, ONE = "voice-profiles/", "voice-profiles/<uuid:voice_id>/"
urlpatterns = [
    path(ALL, Voices.as_view(), name="api_voices"),
    path(f"{ALL}waiting/", Waiting.as_view()),
    path(ONE, OneVoice.as_view()),
    path(f"{ONE}audio/", SampleSound.as_view()),
    path(f"{ONE}consent/", Consent.as_view()),
    path(f"{ONE}consent/audio/", ConsentSound.as_view()),
    path(f"{ONE}share/", Share.as_view()),
    path(f"{ONE}approve/", Approve.as_view()),
    path(f"{ONE}reject/", Reject.as_view()),
    path(f"{ONE}revoke/", Revoke.as_view()),
    path(f"{ONE}ratings/", Ratings.as_view()),
    path(f"{ONE}preview/", Previews.as_view()),
    path(f"{ONE}preview/<slug:preview_id>/", OnePreview.as_view()),
    path(f"{ONE}preview/<slug:preview_id>/audio/", PreviewSound.as_view()),
]
