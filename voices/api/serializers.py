"""What goes out, and how it is described."""

from rest_framework import serializers

from common.rest import Serializer
from voices.models import PreviewState, State

SCOPES = [("self", "for its owner alone"), ("shared", "for everybody here, once approved")]


class RatingOut(Serializer):
    mean = serializers.FloatField(allow_null=True, min_value=1, max_value=10, help_text="Null while nobody has rated.")
    count = serializers.IntegerField(min_value=0)
    own = serializers.IntegerField(allow_null=True, min_value=1, max_value=10, help_text="Yours.")


class VoiceOut(Serializer):
    """A voice: somebody's profile, or a preset that an engine brings along."""

    id = serializers.UUIDField()
    voice = serializers.CharField(help_text="What `voice` of a session or of /v1/audio/speech is set to.")
    kind = serializers.ChoiceField([("profile", "a person's"), ("preset", "an engine's")])
    name = serializers.CharField()
    language = serializers.CharField(help_text="As a tag, such as `en` or `zh-TW`.")
    languages = serializers.ListField(child=serializers.CharField())
    state = serializers.ChoiceField(State.choices, help_text="A preset is always usable.")
    own = serializers.BooleanField()
    cloned = serializers.BooleanField()
    measured = serializers.BooleanField(help_text="The quality is known. That of cloned voices is not measured yet.")
    rating = RatingOut()
    engine = serializers.CharField(help_text="Of a preset.")
    updated_at = serializers.DateTimeField(allow_null=True)


class AdviceOut(Serializer):
    code = serializers.CharField(help_text="For programs: it stays the same.")
    message = serializers.CharField(help_text="For people.")
    blocks = serializers.BooleanField(help_text="The sample cannot be taken like this.")


class SampleOut(Serializer):
    """What was measured of a recording. When it was not accepted, nothing of it was kept."""

    accepted = serializers.BooleanField()
    duration_s = serializers.FloatField(min_value=0, help_text="Of the recording as it came, of what is kept later.")
    speech_s = serializers.FloatField(min_value=0)
    loudness_lufs = serializers.FloatField(help_text="As it came (EBU R 128); it is kept at -23 LUFS.")
    peak_db = serializers.FloatField(help_text="dBFS.")
    clipped = serializers.FloatField(min_value=0, max_value=1, help_text="Share of samples at full scale.")
    snr_db = serializers.FloatField(help_text="Speech above the noise between the words.")
    language = serializers.CharField(help_text="As it was heard.")
    confidence = serializers.FloatField(min_value=0)
    transcript = serializers.CharField(help_text="Correct it until it is exactly what is heard.")
    corrected = serializers.BooleanField()
    advice = AdviceOut(many=True)


class ChallengeOut(Serializer):
    """The sentence to read aloud, once, before it expires."""

    id = serializers.CharField()
    language = serializers.CharField()
    sentence = serializers.CharField()
    words = serializers.ListField(child=serializers.CharField(), help_text="Five of the six must be heard in order.")
    scope = serializers.ChoiceField(SCOPES)
    days = serializers.IntegerField(min_value=1)
    expires_at = serializers.DateTimeField()


class VerdictOut(Serializer):
    accepted = serializers.BooleanField()
    reason = serializers.ChoiceField(
        [
            ("", "it counts"),
            ("wrong_words", "too few of the words, or not in order"),
            ("other_voice", "not the sample's voice"),
            ("expired", "after two minutes"),
        ]
    )
    message = serializers.CharField()
    words_heard = serializers.IntegerField(min_value=0)
    words_needed = serializers.IntegerField(min_value=0)
    words_asked = serializers.IntegerField(min_value=0)
    similarity = serializers.FloatField(allow_null=True, help_text="Of the two voices: a cosine.")
    threshold = serializers.FloatField(allow_null=True, help_text="From which on they count as one.")
    until = serializers.DateTimeField(allow_null=True, help_text="The consent's end.")


class ConsentOut(Serializer):
    """The consent that holds."""

    given_at = serializers.DateTimeField()
    until = serializers.DateTimeField()
    scope = serializers.ChoiceField(SCOPES)
    sentence = serializers.CharField()
    words_heard = serializers.IntegerField(min_value=0)
    similarity = serializers.FloatField()
    threshold = serializers.FloatField()


class DecisionOut(Serializer):
    """What a voice manager decided last."""

    reason = serializers.CharField()
    note = serializers.CharField()
    at = serializers.DateTimeField()


class PreviewOut(Serializer):
    """Some sentences in the voice; ask again until it is done or failed."""

    id = serializers.CharField()
    text = serializers.CharField()
    language = serializers.CharField()
    quality = serializers.ChoiceField([("fast", "fast"), ("fine", "fine")])
    state = serializers.ChoiceField(PreviewState.choices)
    progress = serializers.FloatField(min_value=0, max_value=1)
    created_at = serializers.DateTimeField()
    duration_ms = serializers.IntegerField(allow_null=True)
    engine = serializers.CharField()
    model = serializers.CharField()
    cloned = serializers.BooleanField()
    fallback = serializers.CharField(help_text="Why it is not the voice asked for; empty when it is.")
    similarity = serializers.FloatField(allow_null=True, help_text="How near it comes to the sample: a cosine.")
    error = serializers.CharField()


class ProfileOut(VoiceOut):
    """A voice with all that you may see of it; of another's voice, the last parts are null."""

    created_at = serializers.DateTimeField(allow_null=True)
    sample = SampleOut(allow_null=True)
    challenge = ChallengeOut(allow_null=True, help_text="The sentence that may still be read.")
    consent = ConsentOut(allow_null=True)
    sharing_asked_at = serializers.DateTimeField(allow_null=True)
    decision = DecisionOut(allow_null=True)
    previews = PreviewOut(many=True)
