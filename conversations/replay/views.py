"""The doors themselves: each asks the access who may come in, and hands on what was found."""

from collections.abc import Callable, Coroutine
from typing import Any
from uuid import UUID

import msgspec
import structlog
from asgiref.sync import sync_to_async
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.views.decorators.http import require_safe

from conversations.errors import ConversationNotFound, NotAllowed
from conversations.log.errors import AudioDamaged, AudioMissing
from conversations.log.serving import Source, in_thread, serve
from conversations.models import Conversation, Turn
from conversations.replay import peaks
from conversations.replay.access import Access
from conversations.replay.cut import as_heard
from conversations.replay.mix import Mix
from conversations.replay.moments import moments_of
from conversations.replay.page import Addresses, page_of
from conversations.replay.sounds import sounds_of
from conversations.replay.timeline import timeline
from conversations.selectors import view_of
from inference.errors import AudioRefused

View = Callable[..., Coroutine[Any, Any, HttpResponseBase]]
log = structlog.get_logger(__name__)


class Doors:
    """``names``: what goes before the names of these doors' routes, the namespace included; ``back``: the way out."""

    def __init__(self, access: Access, names: str, back: str = "") -> None:
        self._access = access
        self._names = names
        self._back = back
        self.page = _door(self._page)
        self.timeline = _door(self._timeline)
        self.audio = _door(self._audio)
        self.peaks = _door(self._peaks)
        self.turn_audio = _door(self._turn_audio)
        self.turn_peaks = _door(self._turn_peaks)

    async def _page(self, request: HttpRequest, conversation_id: UUID) -> HttpResponse:
        return await sync_to_async(self._rendered)(request, conversation_id)

    def _rendered(self, request: HttpRequest, conversation_id: UUID) -> HttpResponse:
        conversation = self._access.read(request, conversation_id)
        self._access.note(request, conversation, "words")
        addresses = Addresses(self._names, conversation_id, self._back)
        own = conversation.owner_id == request.user.pk
        page = page_of(view_of(conversation), addresses, sound=self._access.may_listen(request), own=own)
        return render(request, "conversations/replay.html", {"replay": page, "data": page.data()})

    async def _timeline(self, request: HttpRequest, conversation_id: UUID) -> HttpResponse:
        def read() -> bytes:
            view = view_of(self._access.read(request, conversation_id))
            return msgspec.json.encode(timeline(view, moments_of(view), skip_pauses=_skips(request)))

        return _json(await sync_to_async(read)())

    async def _audio(self, request: HttpRequest, conversation_id: UUID) -> HttpResponseBase:
        def find() -> Mix:
            conversation = self._access.listen(request, conversation_id)
            self._access.note(request, conversation, "sound")
            return Mix(timeline(view_of(conversation), skip_pauses=_skips(request)), sounds_of(conversation))

        mix = await sync_to_async(find)()
        if not mix.length:
            raise AudioMissing("Nothing was heard in this conversation.")
        return serve(request, mix, mix.etag)

    async def _peaks(self, request: HttpRequest, conversation_id: UUID) -> HttpResponse:
        def find() -> Callable[[], peaks.Peaks]:
            conversation = self._access.listen(request, conversation_id)
            heard, sounds = timeline(view_of(conversation), skip_pauses=_skips(request)), sounds_of(conversation)
            return lambda: peaks.of_conversation(heard, sounds)

        return _json(msgspec.json.encode(await in_thread(await sync_to_async(find)())))

    async def _turn_audio(self, request: HttpRequest, conversation_id: UUID, number: int, who: str) -> HttpResponseBase:
        def find() -> tuple[Source, str]:
            conversation = self._access.listen(request, conversation_id)
            one = _one_sound(conversation, number, who, whole=_whole(request))
            self._access.note(request, conversation, "sound", one.turn_id, one.audio_id)
            stored = sounds_of(conversation).open(one.audio_id)
            if one.heard_ms is None:
                return stored, one.audio_id
            return as_heard(stored, one.heard_ms), f"{one.audio_id}-{one.heard_ms}"

        source, etag = await sync_to_async(find)()
        return serve(request, source, etag)

    async def _turn_peaks(self, request: HttpRequest, conversation_id: UUID, number: int, who: str) -> HttpResponse:
        def find() -> Callable[[], peaks.Peaks]:
            conversation = self._access.listen(request, conversation_id)
            one = _one_sound(conversation, number, who, whole=_whole(request))
            sounds = sounds_of(conversation)
            sounds.open(one.audio_id)
            return lambda: peaks.of_sound(one.audio_id, sounds, one.length_ms)

        return _json(msgspec.json.encode(await in_thread(await sync_to_async(find)())))


class _OneSound(msgspec.Struct, frozen=True):
    """``heard_ms``: how much of it is meant, where that is not all; ``length_ms``: how long that is."""

    turn_id: str
    audio_id: str
    heard_ms: int | None
    length_ms: int


def _one_sound(conversation: Conversation, number: int, who: str, *, whole: bool) -> _OneSound:
    """Raises `AudioMissing`."""
    turn = Turn.objects.filter(conversation=conversation, number=number).first()
    found: tuple[str, int | None] = ("", None)
    if turn is not None and who == "user":
        found = turn.user_audio_id, turn.user_audio_ms
    elif turn is not None and who == "reply":
        # Older records hold what was heard and no more.
        found = turn.reply_audio_id, turn.heard_ms if turn.reply_audio_ms is None else turn.reply_audio_ms
    audio_id, length_ms = found
    if turn is None or not audio_id:
        raise AudioMissing("There is no such sound: there was none, it was not kept, or it was erased.")
    if who == "user" or whole or turn.heard_complete is True:
        return _OneSound(turn.turn_id, audio_id, None, length_ms or 0)
    if not turn.heard_ms:
        raise AudioMissing("Nothing of this answer was heard.")
    return _OneSound(turn.turn_id, audio_id, turn.heard_ms, turn.heard_ms)


def _door(view: View) -> View:
    """What is not there and what is another's look the same; only reading is allowed."""

    @require_safe
    async def door(request: HttpRequest, **named: Any) -> HttpResponseBase:
        try:
            return await view(request, **named)
        except (ConversationNotFound, AudioMissing) as error:
            raise Http404(str(error)) from None
        except NotAllowed as error:
            raise PermissionDenied(str(error)) from None
        except (AudioDamaged, AudioRefused):
            log.exception("sound_damaged", conversation=str(named["conversation_id"]))
            raise Http404("This sound is damaged and cannot be played.") from None

    return door


def _json(body: bytes) -> HttpResponse:
    response = HttpResponse(body, content_type="application/json")
    response["Cache-Control"] = "private, no-cache"
    return response


def _skips(request: HttpRequest) -> bool:
    return request.GET.get("skip_pauses") == "1"


def _whole(request: HttpRequest) -> bool:
    """With what was sent and not heard."""
    return request.GET.get("whole") == "1"
