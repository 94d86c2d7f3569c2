"""Where the API lives: what is under /api/."""

from django.http import Http404, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.urls import include, path, re_path, resolve
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.views import APIView

from avatar_project.api.keys import Keys, OneKey
from avatar_project.api.schema import Schema, docs
from avatar_project.api.system import Load, Memory, Models, Sessions, Unload


class Nowhere(APIView):
    """Any other address: a problem, or where only the slash was forgotten a redirect that keeps the method."""

    authentication_classes = ()
    permission_classes = ()

    @extend_schema(exclude=True)
    def get(self, request: Request) -> HttpResponseBase:
        path = request._request.path
        if not path.endswith("/") and resolve(f"{path}/").url_name != "api_nowhere":
            return HttpResponseRedirect(request._request.get_full_path(force_append_slash=True), preserve_request=True)
        raise Http404

    post = put = patch = delete = get


urlpatterns = [
    path("schema/", Schema.as_view(), name="api_schema"),
    path("docs/", docs, name="api_docs"),
    path("keys/", Keys.as_view(), name="api_keys"),
    path("keys/<uuid:key_id>/", OneKey.as_view()),
    path("system/models/", Models.as_view()),
    path("system/models/<path:name>/load/", Load.as_view()),
    path("system/models/<path:name>/unload/", Unload.as_view()),
    path("system/memory/", Memory.as_view()),
    path("system/sessions/", Sessions.as_view()),
    path("", include("conversations.api.urls")),
    path("", include("voices.api.urls")),
    re_path("", Nowhere.as_view(), name="api_nowhere"),
]
