"""Whether a recording carries our watermark, and whether its fingerprint is of something that was said here."""

from dataclasses import dataclass

from django import forms
from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.core.files.uploadedfile import UploadedFile
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_http_methods

from inference.audio.decode import DecodeLimits, decode
from inference.errors import AudioRefused, EngineError
from inference.types import WIRE_RATE
from voices import detection
from voices.models import Utterance

LARGEST_BYTES = 10 * 1024 * 1024
SHOWN = 20
"""Utterances that are named one by one."""


class RecordingForm(forms.Form):
    recording = forms.FileField(
        label=_("Recording"),
        help_text=_("WAV, MP3, FLAC, M4A, Ogg or WebM, at most 10 MB. It is looked at and not kept."),
    )

    def clean_recording(self) -> "UploadedFile[bytes]":
        sent: UploadedFile[bytes] = self.cleaned_data["recording"]
        if (sent.size or 0) > LARGEST_BYTES:
            raise forms.ValidationError(gettext("The recording is too large: at most 10 MB."))
        return sent


@dataclass(frozen=True, slots=True)
class Trace:
    """An utterance of ours in the recording; ``agreement`` in percent."""

    utterance: Utterance
    agreement: int


@dataclass(frozen=True, slots=True)
class Verdict:
    """``found`` is None where the watermark could not be looked for: ``away`` says why."""

    found: detection.Found | None
    away: str
    traces: tuple[Trace, ...]


@require_http_methods(["GET", "HEAD", "POST"])
def detect(request: HttpRequest) -> HttpResponse:
    """Asks for a recording; with POST says what is found in it. Nothing of it is kept."""
    if not request.user.has_perm("voices.detect_watermark"):
        raise PermissionDenied
    form = RecordingForm(request.POST, request.FILES) if request.method == "POST" else RecordingForm()
    verdict = None
    if form.is_bound and form.is_valid():
        try:
            verdict = _examined(form.cleaned_data["recording"].read())
        except AudioRefused as error:
            form.add_error("recording", error.message)
    context = {
        **admin.site.each_context(request),
        "title": _("Is a recording of ours?"),
        "form": form,
        "verdict": verdict,
        "sees": request.user.has_perm("voices.view_utterance"),
    }
    return TemplateResponse(request, "admin/voices/detect.html", context)


def _examined(data: bytes) -> Verdict:
    """Raises `AudioRefused`."""
    try:
        found = detection.examine(data)
    except AudioRefused:
        raise
    except EngineError as error:
        sound = decode(data, rate=WIRE_RATE, limits=DecodeLimits(max_seconds=detection.LONGEST_S))
        return Verdict(None, str(error), _traces(detection.ours(sound.pcm)))
    return Verdict(found, "", _traces(found.utterances))


def _traces(known: "tuple[tuple[str, float], ...] | list[tuple[str, float]]") -> tuple[Trace, ...]:
    rows = Utterance.objects.in_bulk([utterance_id for utterance_id, _score in known[:SHOWN]])
    return tuple(Trace(rows[key], round(score * 100)) for key, score in known[:SHOWN] if key in rows)
