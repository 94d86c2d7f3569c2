"""What was done and by whom, as the pages show it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from django.contrib.auth import get_user_model
from django.http import HttpRequest
from django.utils.translation import gettext

from conversations.admin.filters import as_uuid
from conversations.admin.labels import acted
from conversations.oversight.trail import TrailEntry, trail


@dataclass(frozen=True, slots=True)
class TrailRow:
    entry: TrailEntry
    who: str
    what: str


def entries(request: HttpRequest, stream: str) -> tuple[TrailEntry, ...]:
    """The acts that this person may see; what moderators noted is for those who decide."""
    if not request.user.has_perm("conversations.view_flag"):
        return ()
    return trail(stream, notes=request.user.has_perm("conversations.decide_flag"))


def rows(acts: Iterable[TrailEntry], names: Mapping[str, str]) -> tuple[TrailRow, ...]:
    return tuple(TrailRow(act, name_of(act.actor, names), acted(act.fact)) for act in acts)


def names_of(actors: Iterable[str]) -> dict[str, str]:
    """Names by the actors' opaque ids, of those who are known; one query at most."""
    wanted = {identifier for actor in actors if actor and (identifier := as_uuid(actor)) is not None}
    people = get_user_model()._default_manager.filter(pk__in=wanted) if wanted else ()
    return {str(person.pk): person.get_username() for person in people}


def name_of(actor: str, names: Mapping[str, str]) -> str:
    return names.get(actor, actor) if actor else gettext("the system")
