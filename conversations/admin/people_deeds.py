"""What a moderator can do to a person; the subject's ``part`` is the person's id."""

from django.utils.translation import gettext_lazy as _

from conversations.admin.deed import Deed, to_part, to_part_noted
from conversations.services import erasure, people
from conversations.services.reasons import EraseReason, LiveReason

_FOR_MODERATORS = _("For other moderators. It is kept encrypted, and is gone when the person is erased.")

BLOCK = Deed(
    name="block",
    permission=people.PERMISSION,
    label=_("Block"),
    question=_("Block this person?"),
    follows=_(
        "They are signed out, their live sessions end, and they may not come in until they are unblocked. "
        "What they said is kept."
    ),
    done=_("The person is blocked."),
    reasons=LiveReason,
    run=to_part_noted(people.block),
    note_for=_FOR_MODERATORS,
)
UNBLOCK = Deed(
    name="unblock",
    permission=people.PERMISSION,
    label=_("Unblock"),
    question=_("Let this person in again?"),
    follows=_("They may sign in and talk as before."),
    done=_("The person may come in again."),
    reasons=LiveReason,
    run=to_part_noted(people.unblock),
    note_for=_FOR_MODERATORS,
)
ERASE_PERSON = Deed(
    name="erase",
    permission=erasure.ERASE_PERSON,
    label=_("Erase person"),
    question=_("Erase this person for good?"),
    follows=_(
        "All their conversations are erased, words and sound, and their name and address are removed. Nobody "
        "can bring any of it back. That conversations took place stays in the record, without a name."
    ),
    done=_("The person is erased."),
    reasons=EraseReason,
    run=to_part(erasure.erase_person),
    noted=False,
    final=True,
)
BY_NAME = {deed.name: deed for deed in (BLOCK, UNBLOCK, ERASE_PERSON)}
