"""A person's keys. Only a signed-in browser manages them: a key that leaked must not make others."""

from uuid import UUID

from django.http import Http404
from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from avatar_project import api_keys
from avatar_project.models import ApiKey, User
from common.rest import Serializer, Text, checked
from conversations.api.pagination import Pages
from conversations.errors import Invalid, NotAllowed


class KeyOut(Serializer):
    id = serializers.UUIDField()
    name = serializers.CharField()
    prefix = serializers.CharField(help_text="The beginning of the key, to tell it by.")
    scopes = serializers.ListField(child=serializers.ChoiceField(list(api_keys.SCOPES.items())))
    state = serializers.ChoiceField(api_keys.STATES)
    created_at = serializers.DateTimeField()
    expires_at = serializers.DateTimeField(allow_null=True)
    last_used_at = serializers.DateTimeField(allow_null=True, help_text="Exact to a minute.")
    revoked_at = serializers.DateTimeField(allow_null=True)


class NewKeyOut(KeyOut):
    key = serializers.CharField(help_text="The key itself: shown this once.")


class KeyIn(Serializer):
    name = Text(max_length=80, help_text="What it is for.")
    scopes = serializers.ListField(
        child=serializers.ChoiceField(list(api_keys.SCOPES.items())), min_length=1, max_length=len(api_keys.SCOPES)
    )
    expires_at = serializers.DateTimeField(
        required=False, allow_null=True, default=None, help_text="Without it the key lasts until it is revoked."
    )


class KeyPages(Pages):
    ordering = ("-created_at", "-id")


class Keys(APIView):
    pagination_class = KeyPages

    @extend_schema(operation_id="keys_list", tags=["keys"], summary="Your keys", responses=KeyOut(many=True))
    def get(self, request: Request) -> Response:
        pages = KeyPages()
        page = pages.paginate_queryset(ApiKey.objects.filter(owner__pk=str(request.user.pk)), request, self)
        return pages.get_paginated_response(KeyOut(page, many=True).data)

    @extend_schema(
        operation_id="keys_create",
        tags=["keys"],
        summary="Make a key",
        description="The answer holds the key itself, this once. Only a signed-in browser may do this.",
        request=KeyIn,
        responses={201: NewKeyOut},
        examples=[
            OpenApiExample(
                "For a dashboard", value={"name": "dashboard", "scopes": ["conversations:read"]}, request_only=True
            )
        ],
    )
    def post(self, request: Request) -> Response:
        owner = request.user
        if not isinstance(owner, User) or owner.is_guest:
            raise NotAllowed("Guests have no keys: sign in first.")
        asked = checked(KeyIn, request.data)
        try:
            new = api_keys.create(owner, **asked)
        except api_keys.KeyRefused as error:
            raise Invalid(str(error)) from error
        headers = {"Location": f"/api/keys/{new.row.pk}/", "Cache-Control": "no-store"}
        return Response(KeyOut(new.row).data | {"key": new.key}, status=201, headers=headers)


class OneKey(APIView):
    @extend_schema(operation_id="keys_read", tags=["keys"], summary="A key of yours", responses=KeyOut)
    def get(self, request: Request, key_id: UUID) -> Response:
        return Response(KeyOut(_own(request, key_id)).data)

    @extend_schema(
        operation_id="keys_revoke",
        tags=["keys"],
        summary="Revoke a key",
        description="It opens nothing from now on. It stays in the list, so that you can see when it was used last.",
        responses={204: None},
    )
    def delete(self, request: Request, key_id: UUID) -> Response:
        api_keys.revoke(_own(request, key_id))
        return Response(status=204)


def _own(request: Request, key_id: UUID) -> ApiKey:
    key = ApiKey.objects.filter(pk=key_id, owner__pk=str(request.user.pk)).first()
    if key is None:
        raise Http404
    return key
