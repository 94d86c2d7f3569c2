"""Naming a conversation."""

from uuid import UUID

from django.utils.translation import gettext_lazy as _

from conversations import search
from conversations.errors import Invalid, WrongState
from conversations.log.errors import KeyDestroyed
from conversations.log.eventlog import event_log
from conversations.reading import titled
from conversations.services.access import Actor, owned

LONGEST = 120


def rename(conversation_id: str | UUID, title: str, *, actor: Actor) -> str:
    """Gives the actor's own conversation a title, or with an empty one its first words again; returns the title.

    Raises `ConversationNotFound`, `Invalid` for more than `LONGEST` characters, `WrongState` once it was erased.
    """
    conversation = owned(actor, conversation_id)
    title = " ".join(title.split())
    if len(title) > LONGEST:
        raise Invalid(
            _("A title has at most %(most)s characters, this one has %(length)s: shorten it."),
            most=LONGEST,
            length=len(title),
        )
    if conversation.erased_at is not None:
        raise WrongState(_("This conversation was erased: there is nothing left to name."))
    pk = conversation.id
    try:
        event_log().write_now(lambda: titled.save(pk, title) if title else titled.forget(pk))
    except KeyDestroyed as error:
        raise WrongState(_("This conversation was erased: there is nothing left to name.")) from error
    search.index_title(conversation, title)
    return title
