"""What the views of /api/ share."""

from collections.abc import Collection
from typing import TYPE_CHECKING, Any

from rest_framework import serializers
from rest_framework.exceptions import ValidationError
from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.request import Request
from rest_framework.views import APIView

from common.actor import Actor

if TYPE_CHECKING:
    Serializer = serializers.Serializer[Any]
else:
    Serializer = serializers.Serializer
"""Generic in the stubs only."""


class View(APIView):
    """A view of what people own; a key needs the scope (what it may reach is still only what its owner may)."""

    read_scope = ""
    write_scope = ""
    throttle = ""
    """The kind of request, where the method does not say it: ``heavy``."""

    @property
    def actor(self) -> Actor:
        """Who asks: nobody comes this far without a name."""
        person: Any = self.request.user
        found: Actor = person
        return found

    def query(self, serializer: type[Serializer], *, beside: Collection[str] = ()) -> dict[str, Any]:
        """The query's parameters, checked; those that were left out are absent or their defaults.

        ``beside``: others that the view takes.
        """
        # A plain dictionary: of a form, a switch that is absent would be taken as off.
        asked = self.request.query_params.dict()
        return checked(serializer, {name: value for name, value in asked.items() if name not in beside})

    def body(self, serializer: type[Serializer]) -> dict[str, Any]:
        """The request's body, checked."""
        return checked(serializer, self.request.data)


def checked(serializer: type[Serializer], data: Any) -> dict[str, Any]:
    """What a body or a query says. A field that is not known is an error: a misspelt one must not be passed over."""
    read = serializer(data=data)
    read.is_valid(raise_exception=True)
    if unknown := set(data) - set(read.fields):
        raise ValidationError(dict.fromkeys(sorted(unknown), "There is no such field."))
    found: dict[str, Any] = read.validated_data
    return found


class Text(serializers.CharField):
    """A string and nothing else: the framework's field takes numbers, too."""

    def to_internal_value(self, data: object) -> str:
        if not isinstance(data, str):
            self.fail("invalid")
        return str(super().to_internal_value(data))


class Whole(serializers.IntegerField):
    """A number and nothing else: the framework's field takes strings and switches, too."""

    def to_internal_value(self, data: object) -> int:
        if not isinstance(data, int) or isinstance(data, bool):
            self.fail("invalid")
        return int(super().to_internal_value(data))


class WhateverIsAccepted(BaseContentNegotiation):
    """For sound and files, whose type is what it is: the Accept header is not asked."""

    def select_parser(self, request: Request, parsers: Any) -> Any:
        content_type = request.content_type or ""
        return next((one for one in parsers if content_type.startswith(one.media_type)), None)

    def select_renderer(self, request: Request, renderers: Any, format_suffix: str | None = None) -> Any:
        return renderers[0], renderers[0].media_type
