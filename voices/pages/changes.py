"""What is done with a voice: forms in, services, and back to the voice's page at the next step."""

from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from common.pages import actor_of
from conversations.log.errors import LogError
from inference.types import Quality
from voices import selectors, services
from voices.access import owned
from voices.errors import Invalid, Refused, VoiceNotFound
from voices.events import Scope
from voices.pages.figures import figures_of
from voices.pages.requests import line, recording_of, said_of, to_voice, told
from voices.pages.throttle import count


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def new(request: HttpRequest) -> HttpResponse:
    """The form for a new voice; with POST makes it and goes to its first step."""
    name, language = line(request, "name"), line(request, "language") or _language(request)
    if request.method != "POST":
        return render(request, "voices/new.html", {"language": language})
    try:
        count(actor_of(request), "write")
        voice_id = services.create(actor=actor_of(request), name=name, language=language)
    except (Refused, LogError) as error:
        context = {"refused": said_of(error), "name": name, "language": language}
        return render(request, "voices/new.html", context, status=400)
    return to_voice(voice_id)


@require_POST
@told("sample")
def sample(request: HttpRequest, voice_id: UUID) -> HttpResponse:
    """``recording``: the sample. What is wrong with it is told; when it is taken, its transcript comes next."""
    owned(actor_of(request), voice_id)
    report = services.add_sample(voice_id, recording_of(request), actor=actor_of(request))
    if report.accepted:
        return to_voice(voice_id, "transcript")
    measured = ", ".join(f"{figure.label} {figure.value}" for figure in figures_of(report))
    refused = gettext("This recording was not taken (%(measured)s).") % {"measured": measured}
    for text in (refused, *(str(one.message) for one in report.advice)):
        messages.error(request, text, extra_tags="sample")
    return to_voice(voice_id, "sample")


@require_POST
@told("transcript", counted="write")
def transcript(request: HttpRequest, voice_id: UUID) -> HttpResponse:
    """``transcript``: what was said in the sample, word for word."""
    services.correct_transcript(voice_id, line(request, "transcript"), actor=actor_of(request))
    return to_voice(voice_id, "consent")


@require_POST
@told("consent", counted="write")
def ask(request: HttpRequest, voice_id: UUID) -> HttpResponse:
    """``scope`` and ``days`` of the consent: the page then shows the sentence to read."""
    owned(actor_of(request), voice_id)
    scope: Scope = "shared" if line(request, "scope") == "shared" else "self"
    services.ask_consent(voice_id, actor=actor_of(request), scope=scope, days=_whole(line(request, "days")))
    return to_voice(voice_id, "consent")


@require_POST
@told("consent")
def consent(request: HttpRequest, voice_id: UUID) -> HttpResponse:
    """``recording`` of the sentence of ``challenge``, read aloud."""
    owned(actor_of(request), voice_id)
    given = services.give_consent(voice_id, line(request, "challenge"), recording_of(request), actor=actor_of(request))
    step, level = ("try", messages.SUCCESS) if given.accepted else ("consent", messages.ERROR)
    messages.add_message(request, level, str(given.message), extra_tags=step)
    return to_voice(voice_id, step)


@require_POST
@told("try", counted="heavy")
def preview(request: HttpRequest, voice_id: UUID) -> HttpResponse:
    """Has the voice say ``text`` in the background."""
    quality: Quality = "fine" if line(request, "quality") == "fine" else "fast"
    services.request_preview(voice_id, actor=actor_of(request), text=line(request, "text"), quality=quality)
    return to_voice(voice_id, "try")


@require_POST
@told("share", counted="write")
def share(request: HttpRequest, voice_id: UUID) -> HttpResponse:
    services.share(voice_id, actor=actor_of(request))
    return to_voice(voice_id, "share")


@require_POST
@told("share")
def unshare(request: HttpRequest, voice_id: UUID) -> HttpResponse:
    services.unshare(voice_id, actor=actor_of(request))
    return to_voice(voice_id, "share")


@require_POST
@told("top", counted="write")
def rate(request: HttpRequest, voice_id: UUID) -> HttpResponse:
    """``score``: 1 to 10."""
    services.rate(voice_id, _whole(line(request, "score")), actor=actor_of(request))
    messages.success(request, gettext("Thank you: your rating counts."), extra_tags="top")
    return to_voice(voice_id)


@require_POST
@told("top", counted="write")
def change(request: HttpRequest, voice_id: UUID) -> HttpResponse:
    """``name``: what its owner calls it from now on."""
    services.rename(voice_id, line(request, "name"), actor=actor_of(request))
    return to_voice(voice_id)


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@told("consent")
def withdraw(request: HttpRequest, voice_id: UUID) -> HttpResponse:
    """Asks, and with POST withdraws the consent."""
    if request.method == "POST":
        services.withdraw_consent(voice_id, actor=actor_of(request))
        messages.success(request, gettext("Your consent is withdrawn and the recordings are erased."), extra_tags="top")
        return to_voice(voice_id)
    return _sure(request, voice_id, deleting=False)


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@told("top")
def delete(request: HttpRequest, voice_id: UUID) -> HttpResponse:
    """Asks, and with POST deletes the voice."""
    if request.method == "POST":
        services.delete(voice_id, actor=actor_of(request))
        messages.success(request, gettext("The voice is deleted. Nothing can bring it back."))
        return redirect("voices:list")
    return _sure(request, voice_id, deleting=True)


def _sure(request: HttpRequest, voice_id: UUID, *, deleting: bool) -> HttpResponse:
    row = selectors.profile(actor_of(request), voice_id).row
    if not row.own:
        raise VoiceNotFound
    return render(request, "voices/sure.html", {"row": row, "deleting": deleting})


def _whole(text: str) -> int:
    """Raises `Invalid`."""
    if not (text.isascii() and text.isdecimal() and len(text) < 6):
        raise Invalid(gettext("That is not a number."))
    return int(text)


def _language(request: HttpRequest) -> str:
    """Of the page: what its reader most likely speaks."""
    return "zh-TW" if getattr(request, "LANGUAGE_CODE", "en").startswith("zh") else "en"
