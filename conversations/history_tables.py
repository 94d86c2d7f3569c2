"""Tables beside the read models that are a person's own: titles they gave, and what their search looks up.

None holds a word in clear: titles are sealed under the conversation's key, tokens are keyed hashes (docs/adr/0090).
"""

from django.db import models


class Title(models.Model):
    """The name that its owner gave a conversation. Not made from the log: a rebuild leaves it alone."""

    conversation = models.OneToOneField(
        "conversations.Conversation", on_delete=models.CASCADE, primary_key=True, db_constraint=False, related_name="+"
    )
    sealed = models.BinaryField()
    changed_at = models.DateTimeField()

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return f"title of {self.conversation_id}"


class SearchDocument(models.Model):
    """What search finds: a turn, or a title (``turn_id`` is empty). The higher the id, the later it was said."""

    # No constraint, here and above: a rebuild may take a conversation's row away for a moment.
    conversation = models.ForeignKey(
        "conversations.Conversation", on_delete=models.CASCADE, db_constraint=False, db_index=False, related_name="+"
    )
    turn_id = models.CharField(max_length=120, blank=True)

    class Meta:
        default_permissions = ()
        constraints = (models.UniqueConstraint(fields=("conversation", "turn_id"), name="search_document_place"),)

    def __str__(self) -> str:
        return f"{self.conversation_id} {self.turn_id}"


class SearchToken(models.Model):
    """That a document holds a word: the first 64 bits of its HMAC under its owner's search key."""

    pk = models.CompositePrimaryKey("token", "document_id")
    token = models.BigIntegerField()
    document = models.ForeignKey(SearchDocument, on_delete=models.CASCADE, related_name="tokens")

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return f"{self.token:x} in {self.document_id}"
