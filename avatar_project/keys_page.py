"""The page where a person makes and revokes the keys of their programs."""

import secrets
from datetime import timedelta
from uuid import UUID

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from avatar_project import api_keys
from avatar_project.api_keys import KeyRefused, NewKey
from avatar_project.models import ApiKey, User

SENT = "forms_that_made_keys"
LASTS_DAYS = ("30", "90", "365", "")
"""What the form offers; empty: until it is revoked."""


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def keys(request: HttpRequest) -> HttpResponse:
    """The list and the form; the answer to the form shows the new key, this once."""
    owner = _person(request)
    if owner is None:
        return render(request, "account/keys.html", {"guest": True}, status=403)
    if request.method != "POST":
        return _page(request, owner)
    form, sent_before = request.POST.get("form", ""), request.session.get(SENT, [])
    if form in sent_before:
        # The page with the new key was loaded again: that makes no second key, and the first is not shown any more.
        return redirect("keys")
    try:
        new = _created(request, owner)
    except KeyRefused as error:
        return _page(request, owner, refused=error.why, status=400)
    request.session[SENT] = [*sent_before[-20:], form]
    return _page(request, owner, new=new)


@never_cache
@require_POST
def revoke(request: HttpRequest, key_id: UUID) -> HttpResponse:
    owner = _person(request)
    key = ApiKey.objects.filter(pk=key_id, owner=owner).first() if owner is not None else None
    if key is None:
        raise Http404
    api_keys.revoke(key)
    return redirect("keys")


def _created(request: HttpRequest, owner: User) -> NewKey:
    days = request.POST.get("lasts", "")
    if days not in LASTS_DAYS:
        raise KeyRefused("past", "Choose how long the key lasts.")
    expires_at = timezone.now() + timedelta(days=int(days)) if days else None
    name, scopes = request.POST.get("name", ""), request.POST.getlist("scopes")
    return api_keys.create(owner, name=name, scopes=scopes, expires_at=expires_at)


def _page(
    request: HttpRequest, owner: User, *, new: NewKey | None = None, refused: str = "", status: int = 200
) -> HttpResponse:
    sent = request.POST if refused else {}
    context = {
        "form": secrets.token_urlsafe(8),
        "keys": api_keys.keys_of(owner),
        "new": new,
        "refused": refused,
        "name": sent.get("name", ""),
        "scopes": api_keys.SCOPES,
        "chosen": request.POST.getlist("scopes") if refused else ["conversations:read"],
        "lasts": sent.get("lasts", "90"),
    }
    return render(request, "account/keys.html", context, status=status)


def _person(request: HttpRequest) -> User | None:
    user = request.user
    return user if isinstance(user, User) and not user.is_guest else None
