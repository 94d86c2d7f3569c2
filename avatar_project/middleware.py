"""What every page passes through."""

from collections.abc import Callable

from django.conf import settings
from django.contrib.auth import login
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from avatar_project.bind import is_loopback
from avatar_project.identity import is_of_blocked, new_guest

Handler = Callable[[HttpRequest], HttpResponse]


class PermissionsPolicyMiddleware:
    """The microphone is for our own pages; nothing else is used."""

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        response["Permissions-Policy"] = "microphone=(self), camera=(), geolocation=(), payment=(), usb=()"
        return response


class GuestMiddleware:
    """Where guests are admitted, whoever opens a page that needs a person becomes one, behind this browser's cookie.

    Who was blocked is told so, whether they had signed in or not.
    """

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_view(
        self, request: HttpRequest, view: Callable[..., HttpResponse], args: object, kwargs: object
    ) -> HttpResponse | None:
        needs_person = getattr(view, "login_required", True)
        if needs_person and not request.user.is_authenticated and is_of_blocked(request.session):
            # The cookie stays theirs: without it they would be a new guest.
            return render(request, "blocked.html", status=403)
        if (
            settings.GUESTS_ADMITTED
            and needs_person
            and request.method in {"GET", "HEAD"}
            and not request.user.is_authenticated
            and not request.path.startswith("/admin/")
            and is_loopback(request.META.get("SERVER_NAME", ""))
        ):
            login(request, new_guest(), backend="django.contrib.auth.backends.ModelBackend")
        return None
