"""What was said in cloned voices."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from voices.access import Actor, require
from voices.listing import MOST
from voices.models import Utterance, VoiceName


def borrowed_in(conversation_id: str | UUID) -> tuple[tuple[str, str], ...]:
    """The profiles in which something was said in a conversation: id and name, for one who may see voices."""
    said = Utterance.objects.filter(conversation_id=str(conversation_id))
    said = said.exclude(source=str(conversation_id))  # the person's own voice has no profile
    ids = list(dict.fromkeys(said.order_by("opened_at").values_list("voice", flat=True)))
    names = {str(key): name for key, name in VoiceName.objects.filter(voice_id__in=ids).values_list("voice_id", "name")}
    return tuple((voice_id, names.get(voice_id, voice_id)) for voice_id in ids)


def utterances(actor: Actor, *, source: str = "", since: datetime | None = None) -> Sequence[Utterance]:
    """The latest provenance records, for one who may see them. Raises `NotAllowed`."""
    require(actor, "view_utterance")
    rows = Utterance.objects.all()
    if source:
        rows = rows.filter(source=source)
    if since is not None:
        rows = rows.filter(opened_at__gte=since)
    return list(rows.order_by("-opened_at")[:MOST])
