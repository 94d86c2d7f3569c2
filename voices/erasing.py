"""What an erasure of a voice leaves in the database until it is written anew (`conversations.keeping.purging`)."""

from django.db.models import Model

from voices.events import ConsentWithdrawn, SampleAdded, VoiceDeleted
from voices.models import Preview, Sample, VoiceName

ERASURES = (VoiceDeleted.type, ConsentWithdrawn.type, SampleAdded.type)
"""Facts after which keys were destroyed; a new sample destroys those of the one before."""
SEALED: tuple[type[Model], ...] = (Sample, Preview, VoiceName)
"""Tables whose rows are overwritten or deleted then."""
