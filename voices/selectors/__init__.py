"""Reading voices: what pages, REST and sessions show and use. Blocking."""

from voices.selectors.profiles import own as own
from voices.selectors.profiles import presets as presets
from voices.selectors.profiles import preview as preview
from voices.selectors.profiles import previews as previews
from voices.selectors.profiles import profile as profile
from voices.selectors.profiles import shared as shared
from voices.selectors.profiles import waiting as waiting
from voices.selectors.provenance import borrowed_in as borrowed_in
from voices.selectors.provenance import utterances as utterances
from voices.selectors.recordings import consent_audio as consent_audio
from voices.selectors.recordings import preview_audio as preview_audio
from voices.selectors.recordings import sample_audio as sample_audio
from voices.selectors.usable import is_usable as is_usable
from voices.selectors.usable import owner_of as owner_of
from voices.selectors.usable import presets_to_choose as presets_to_choose
from voices.selectors.usable import reference_for as reference_for
from voices.selectors.usable import require_usable as require_usable
from voices.selectors.usable import sample_in_use as sample_in_use
from voices.selectors.usable import usable_by as usable_by
