"""Reading: the list of voices, one voice with its steps, its previews while they are made, and its sounds."""

from datetime import datetime
from typing import Literal
from uuid import UUID

import msgspec
from django.contrib.messages import get_messages
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from common.pages import actor_of, found_or_404
from conversations.log.errors import AudioMissing
from conversations.log.serving import serve
from voices import presets, selectors, sounds
from voices.errors import VoiceNotFound
from voices.languages import same
from voices.pages.figures import figures_of
from voices.pages.words import reason
from voices.types import Profile

CONSENT_DAYS = (30, 90, 365)
CONSENT_STANDARD = 365
Step = Literal["sample", "transcript", "consent", "try"]


class Steps(msgspec.Struct, frozen=True):
    """How far a voice is: what of it is done, and the step that comes now."""

    done: frozenset[str]
    now: Step


@never_cache
@require_safe
def voices(request: HttpRequest) -> HttpResponse:
    """The actor's own, what others share, and the presets, those that speak the page's language first."""
    actor = actor_of(request)
    tongue = getattr(request, "LANGUAGE_CODE", "en")
    here = sorted(selectors.presets(actor), key=lambda row: not any(same(tag, tongue) for tag in row.languages))
    context = {"own": selectors.own(actor), "shared": selectors.shared(actor), "presets": here}
    return render(request, "voices/list.html", context)


@never_cache
@require_safe
@found_or_404
def profile(request: HttpRequest, voice_id: UUID) -> HttpResponse:
    """One voice: for its owner the steps from the sample to sharing, for others what they may try."""
    found = selectors.profile(actor_of(request), voice_id)
    context = {
        "row": found.row,
        "profile": found,
        "steps": steps_of(found),
        "figures": figures_of(found.sample) if found.sample else (),
        "advice": [one.message for one in found.sample.advice] if found.sample else (),
        "challenge": found.challenge,
        "left_s": _left_s(found.challenge.expires_at) if found.challenge else 0,
        "decision": reason(found.decision, revoked=found.row.state == "revoked") if found.decision else "",
        "scores": range(1, 11),
        "cloning": presets.cloning() if found.row.cloned else (),
        "told": list(get_messages(request)),
        "consent_days": CONSENT_DAYS,
        "chosen_days": found.asked_days if found.asked_days in CONSENT_DAYS else CONSENT_STANDARD,
    }
    return render(request, "voices/profile.html", context)


@never_cache
@require_safe
@found_or_404
def tries(request: HttpRequest, voice_id: UUID) -> HttpResponse:
    """The previews alone, for the page that waits for them."""
    found = selectors.profile(actor_of(request), voice_id)
    return render(request, "voices/tries.html", {"row": found.row, "profile": found})


@require_safe
@found_or_404
def sample_sound(request: HttpRequest, voice_id: UUID) -> HttpResponseBase:
    """The sample as it is stored, for its owner alone: a manager listens in the admin, where that is recorded."""
    found = selectors.profile(actor_of(request), voice_id)
    if not found.row.own:
        raise VoiceNotFound
    try:
        stored = selectors.sample_audio(actor_of(request), voice_id)
    except AudioMissing as error:
        raise Http404(str(error)) from error
    return serve(request, stored, stored.audio_id, content_type=sounds.FLAC)


@require_safe
@found_or_404
def preview_sound(request: HttpRequest, voice_id: UUID, preview_id: str) -> HttpResponseBase:
    """One's own preview."""
    try:
        stored = selectors.preview_audio(actor_of(request), preview_id)
    except AudioMissing as error:
        raise Http404(str(error)) from error
    return serve(request, stored, stored.audio_id, content_type=sounds.OPUS)


def steps_of(found: Profile) -> Steps:
    """The transcript is settled once its owner has saved it, or has consented to what it says."""
    done = set()
    if found.sample is not None:
        done.add("sample")
        if found.sample.corrected or found.consent is not None or found.challenge is not None:
            done.add("transcript")
    if found.consent is not None:
        done.add("consent")
        if any(preview.state == "done" for preview in found.previews):
            done.add("try")
    if found.row.state == "approved":
        done.add("share")
    order: tuple[Step, ...] = ("sample", "transcript", "consent", "try")
    return Steps(frozenset(done), next((step for step in order if step not in done), "try"))


def _left_s(expires_at: datetime) -> int:
    return max(0, round((expires_at - timezone.now()).total_seconds()))
