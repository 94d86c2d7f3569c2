"""Whether a recording carries our watermark, and whether its fingerprint is of something that was said here."""

from dataclasses import dataclass

from django import forms
from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.core.files.uploadedfile import UploadedFile
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_http_methods, require_safe

from common.pages import actor_of
from inference.errors import EngineError
from voices.errors import NotAllowed, Refused
from voices.models import Examination, PreviewState, Utterance
from voices.services import examinations

LARGEST_BYTES = 10 * 1024 * 1024
SHOWN = 20
"""Utterances that are named one by one."""
_ALREADY = 0.8
"""Of the progress, when the fingerprints have been compared."""


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


@require_http_methods(["GET", "HEAD", "POST"])
def detect(request: HttpRequest) -> HttpResponse:
    """Asks for a recording; with POST has it looked at in the background, and goes to the page that says how far."""
    _require(request)
    form = RecordingForm(request.POST, request.FILES) if request.method == "POST" else RecordingForm()
    if form.is_bound and form.is_valid():
        try:
            asked = examinations.request_examination(form.cleaned_data["recording"].read(), actor=actor_of(request))
        except NotAllowed as refusal:
            raise PermissionDenied from refusal
        except Refused as refusal:
            form.add_error(None, str(refusal))
        except EngineError as error:
            form.add_error("recording", error.message)
        else:
            return HttpResponseRedirect(reverse("admin:voices_utterance_examined", args=[asked]))
    return _page(request, form)


@require_safe
def examined(request: HttpRequest, examination_id: str) -> HttpResponse:
    """How far looking at a recording is, and what was found; for who asked alone."""
    _require(request)
    examination = examinations.find(examination_id, actor=actor_of(request))
    if examination is None:
        raise Http404
    return _page(request, RecordingForm(), examination)


def _require(request: HttpRequest) -> None:
    if not request.user.has_perm("voices.detect_watermark"):
        raise PermissionDenied


def _page(request: HttpRequest, form: RecordingForm, examination: Examination | None = None) -> HttpResponse:
    context = {
        **admin.site.each_context(request),
        "title": _("Is a recording of ours?"),
        "form": form,
        "examination": examination,
        "failed": examination is not None and examination.state == PreviewState.FAILED,
        "progress": _progress(examination) if examination is not None else 0,
        "traces": _traces(examination) if examination is not None else (),
        "sees": request.user.has_perm("voices.view_utterance"),
    }
    return TemplateResponse(request, "admin/voices/detect.html", context)


def _progress(examination: Examination) -> int:
    """In percent: first the fingerprints are compared, then the watermark is looked for."""
    if examination.over:
        return 100
    return round(100 * _ALREADY * min(1.0, examination.compared / examination.total)) if examination.total else 0


def _traces(examination: Examination) -> tuple[Trace, ...]:
    known = examination.matches[:SHOWN]
    rows = Utterance.objects.in_bulk([utterance_id for utterance_id, _score in known])
    return tuple(Trace(rows[key], round(score * 100)) for key, score in known if key in rows)
