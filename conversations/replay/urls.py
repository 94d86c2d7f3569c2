"""The doors of a recorded conversation, for its owner here and for moderators wherever the admin puts them."""

from django.urls import URLPattern, include, path

from conversations.replay import views
from conversations.replay.access import Access, OwnerAccess


def routes(access: Access, namespace: str, prefix: str = "", *, back: str = "") -> list[URLPattern]:
    """Page, sounds, peaks and timeline under ``<uuid:conversation_id>/``.

    ``namespace`` is that of the URL configuration they are put into; ``prefix`` goes before their names there
    (``replay``, ``audio``, ``peaks``, ``timeline``, ``turn_audio``, ``turn_peaks``); ``back`` names the page, with its
    namespace, that the replay leads back to: it is given the conversation's id.
    """
    doors = views.Doors(access, f"{namespace}:{prefix}", back)
    one = "<uuid:conversation_id>/"
    turn = f"{one}turns/<int:number>/<str:who>/"
    pages = {
        "replay": (f"{one}replay", doors.page),
        "timeline": (f"{one}timeline", doors.timeline),
        "audio": (f"{one}audio", doors.audio),
        "peaks": (f"{one}peaks", doors.peaks),
        "turn_audio": (f"{turn}audio", doors.turn_audio),
        "turn_peaks": (f"{turn}peaks", doors.turn_peaks),
    }
    return [path(route, view, name=prefix + name) for name, (route, view) in pages.items()]


urlpatterns = [path("history/", include(routes(OwnerAccess(), "conversations", back="conversations:conversation")))]
