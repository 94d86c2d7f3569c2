"""A person's own account: what belongs to it, and erasing all of it for good."""

from django.contrib.auth import logout
from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from avatar_project.models import User
from avatar_project.sign_in import Brake
from conversations.errors import Refused
from conversations.log.errors import LogError
from conversations.models import Conversation
from conversations.services import erasure
from conversations.services.reasons import EraseReason


@never_cache
@require_safe
def account(request: HttpRequest) -> HttpResponse:
    """Who one is here, and what there is to do about it; guests have such a page too."""
    owner = _person(request)
    conversations = Conversation.objects.filter(owner=owner, erased_at=None, turn_count__gt=0, hidden=False).count()
    return render(request, "account/account.html", {"owner": owner, "conversations": conversations})


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def erase(request: HttpRequest) -> HttpResponse:
    """Asks, and with POST erases the person: conversations, voices, keys, name. Who has a password gives it again."""
    owner = _person(request)
    refused = ""
    if request.method == "POST":
        refused = _refusal(request, owner) or _erased(owner)
        if not refused:
            logout(request)
            return redirect("account_erased")
    context = {"owner": owner, "refused": refused}
    return render(request, "account/erase.html", context, status=400 if refused else 200)


@login_not_required
@never_cache
@require_safe
def erased(request: HttpRequest) -> HttpResponse:
    return render(request, "account/erased.html")


def _refusal(request: HttpRequest, owner: User) -> str:
    """``sure``, ``password`` or ``wait``: what the form lacks. A stolen browser must not erase what it shows."""
    if request.POST.get("sure") != "yes":
        return "sure"
    if not owner.has_usable_password():
        return ""
    brake = Brake(owner.get_username(), request.META.get("REMOTE_ADDR", ""))
    if brake.wait_s():
        return "wait"
    if not owner.check_password(request.POST.get("password", "")):
        brake.failed()
        return "password"
    brake.succeeded()
    return ""


def _erased(owner: User) -> str:
    """Erases; otherwise why not. What is left of a broken-off erasure the task cluster finishes by itself."""
    try:
        erasure.erase_person(owner.pk, actor=owner, reason=EraseReason.REQUEST.value)
    except Refused as error:
        return error.code
    except LogError:
        return "later"
    return ""


def _person(request: HttpRequest) -> User:
    assert isinstance(request.user, User)  # the doors have let nobody else in
    return request.user
