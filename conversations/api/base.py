"""What the views share."""

from uuid import UUID

from common.rest import View

READ, WRITE = "conversations:read", "conversations:write"
ID = "<uuid:conversation_id>"


class ConversationsView(View):
    """A view of conversations."""

    read_scope = READ
    write_scope = WRITE


def conversation_path(conversation_id: UUID | str) -> str:
    return f"/api/conversations/{conversation_id}/"
