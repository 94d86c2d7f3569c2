"""What the views of pages share."""

import functools
from collections.abc import Callable
from typing import Concatenate, ParamSpec, TypeVar

from django.http import Http404, HttpRequest
from django.http.response import HttpResponseBase

from common.actor import Actor
from common.refusals import NotFound

P = ParamSpec("P")
R = TypeVar("R", bound=HttpResponseBase)


def actor_of(request: HttpRequest) -> Actor:
    """Who is signed in, or the guest; the doors have let nobody else in."""
    user = request.user
    assert user.is_authenticated
    return user


def found_or_404(view: Callable[Concatenate[HttpRequest, P], R]) -> Callable[Concatenate[HttpRequest, P], R]:
    """What is another's is not found, like what never was."""

    @functools.wraps(view)
    def wrapped(request: HttpRequest, /, *args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return view(request, *args, **kwargs)
        except NotFound as error:
            raise Http404(str(error)) from error

    return wrapped
