"""What can be done from a voice's page: plain views, since the admin's own are inside a transaction."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404
from django.urls import URLPattern, path, reverse
from django.utils.translation import gettext
from django.views.decorators.http import require_POST, require_safe

from avatar_project.voices_admin.deeds import BY_NAME
from common.pages import actor_of
from conversations.admin import opened
from conversations.admin.confirm import Target, confirm
from conversations.admin.deed import Subject
from conversations.log.errors import AudioMissing, LogError
from conversations.log.serving import serve
from voices import selectors, services, sounds
from voices.errors import Refused, VoiceNotFound
from voices.models import Voice

PREFIX = "voices_voice_"
SOUNDS: dict[str, tuple[Callable[..., Any], str]] = {
    "sample": (selectors.sample_audio, sounds.FLAC),
    "consent": (selectors.consent_audio, sounds.OPUS),
}
"""What can be heard: who gives it, and as what."""


def urls(model_admin: "admin.ModelAdmin[Any]") -> list[URLPattern]:
    """Beside the admin's own, and before them: `change/` would take every path."""

    def view(route: str, name: str, found: Callable[..., HttpResponseBase]) -> URLPattern:
        return path(f"<uuid:voice_id>/{route}", model_admin.admin_site.admin_view(found), name=PREFIX + name)

    return [
        view("do/<slug:name>/", "do", do),
        view("listen/<slug:what>/", "listen", listen),
        view("sound/<slug:what>/", "sound", sound),
    ]


def voice_url(voice_id: UUID | str) -> str:
    return reverse(f"admin:{PREFIX}change", args=[voice_id])


def sound_name(voice_id: UUID | str, what: str) -> str:
    """What a voice's sound is called among those that are open (`conversations.admin.opened`)."""
    return f"voice:{voice_id}:{what}"


def sound_is_open(request: HttpRequest, voice_id: UUID, what: str) -> bool:
    return request.user.has_perm("voices.listen_voice") and opened.is_open(request, sound_name(voice_id, what))


def do(request: HttpRequest, voice_id: UUID, name: str) -> HttpResponse:
    """Approves, rejects or revokes: asks first."""
    voice = _visible(request, voice_id)
    deed = BY_NAME.get(name)
    if deed is None:
        raise Http404
    named = getattr(voice, "named", None)
    label = f"{named.name if named is not None else voice.id} · {voice.owner}"
    return confirm(request, deed, [Target(Subject("", str(voice.id)), label)], back=voice_url(voice.id))


@require_POST
def listen(request: HttpRequest, voice_id: UUID, what: str) -> HttpResponse:
    """Opens a sound for a while; the record says so first, and why."""
    voice = _visible(request, voice_id)
    if what not in SOUNDS:
        raise Http404
    if not sound_is_open(request, voice.id, what):
        reason = request.POST.get("reason", "")
        try:
            services.note_listening(voice.id, actor=actor_of(request), reason=reason, what=what)  # type: ignore[arg-type]
        except VoiceNotFound as error:
            raise Http404 from error
        except (Refused, LogError) as error:
            messages.error(request, str(error) if reason else gettext("Say why: choose a reason."))
        else:
            opened.open_now(request, sound_name(voice.id, what))
    return HttpResponseRedirect(f"{voice_url(voice.id)}#sounds")


@require_safe
def sound(request: HttpRequest, voice_id: UUID, what: str) -> HttpResponseBase:
    """The sound itself, while it is open."""
    voice = _visible(request, voice_id)
    if what not in SOUNDS:
        raise Http404
    if not sound_is_open(request, voice.id, what):
        raise PermissionDenied
    find, content_type = SOUNDS[what]
    try:
        stored = find(actor_of(request), voice.id)
    except (VoiceNotFound, AudioMissing) as error:
        raise Http404(str(error)) from error
    return serve(request, stored, stored.audio_id, content_type=content_type)


def _visible(request: HttpRequest, voice_id: UUID) -> Voice:
    """Whoever may do something to a voice may see that it is there."""
    if not request.user.has_perm("voices.view_voice"):
        raise PermissionDenied
    return get_object_or_404(Voice.objects.select_related("owner", "named").filter(owner__isnull=False), id=voice_id)
