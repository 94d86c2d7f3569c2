"""What can be done with a voice. Every service asks who may, decides in the writer's transaction, and says why not.

All raise `voices.errors` (each with a ``code`` and a sentence for people) and `conversations.log.errors.LogError`;
those that need an engine `inference.errors.EngineError`. Blocking; not inside a transaction.
"""

from voices.services.consent import ask_consent as ask_consent
from voices.services.consent import give_consent as give_consent
from voices.services.ending import any_left_of as any_left_of
from voices.services.ending import delete as delete
from voices.services.ending import erase_all_of as erase_all_of
from voices.services.ending import revoke as revoke
from voices.services.ending import stop_all_of as stop_all_of
from voices.services.ending import withdraw_consent as withdraw_consent
from voices.services.hearing import note_listening as note_listening
from voices.services.previews import request_preview as request_preview
from voices.services.profiles import change_language as change_language
from voices.services.profiles import create as create
from voices.services.profiles import rename as rename
from voices.services.ratings import rate as rate
from voices.services.samples import add_sample as add_sample
from voices.services.samples import correct_transcript as correct_transcript
from voices.services.sharing import approve as approve
from voices.services.sharing import reject as reject
from voices.services.sharing import share as share
from voices.services.sharing import unshare as unshare
