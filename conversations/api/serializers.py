"""What goes out, and how it is described."""

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from common.rest import Serializer
from conversations.api.base import conversation_path
from conversations.models import HeardSource, Keep, TurnStatus
from conversations.selectors import TurnView


class Summary(Serializer):
    """A conversation in a list."""

    id = serializers.UUIDField()
    title = serializers.CharField(help_text="As its owner named it, else its first words; empty when it has none.")
    named = serializers.BooleanField(help_text="Its owner gave it the title.")
    preview = serializers.CharField(help_text="The beginning of the first answer.")
    started_at = serializers.DateTimeField()
    updated_at = serializers.DateTimeField()
    turn_count = serializers.IntegerField(min_value=0)
    talked_ms = serializers.IntegerField(min_value=0, help_text="What was said and what was heard, without pauses.")
    language = serializers.CharField()
    voice = serializers.CharField()
    keep = serializers.ChoiceField(Keep.choices, help_text="What is kept: sound and text, text only, or nothing.")
    error_count = serializers.IntegerField(min_value=0, help_text="Turns that failed.")
    slowest_ms = serializers.FloatField(
        allow_null=True, help_text="The longest that somebody waited for the first sound of an answer."
    )
    forked_from = serializers.UUIDField(allow_null=True, help_text="The conversation that this one goes on from.")


class SegmentOut(Serializer):
    text = serializers.CharField(trim_whitespace=False)
    hit = serializers.BooleanField(help_text="This is what was looked for.")


class PassageOut(Serializer):
    number = serializers.IntegerField(min_value=0, help_text="The turn's; 0 for the title.")
    at = serializers.DateTimeField(allow_null=True)
    excerpt = SegmentOut(many=True)


class HitOut(Serializer):
    """A conversation, and where in it; the latest passages."""

    conversation = Summary()
    passages = PassageOut(many=True)


class SearchOut(Serializer):
    hits = HitOut(many=True)
    next_before = serializers.IntegerField(
        allow_null=True, help_text="Ask for what is before this next; null: no more."
    )


class Latencies(Serializer):
    """Milliseconds from the true end of speech; null where a step did not happen."""

    endpoint_ms = serializers.FloatField(allow_null=True, help_text="The turn was taken to be over.")
    transcript_ms = serializers.FloatField(allow_null=True)
    first_token_ms = serializers.FloatField(allow_null=True)
    first_sentence_ms = serializers.FloatField(allow_null=True)
    first_audio_ms = serializers.FloatField(allow_null=True, help_text="The first sound of the answer was sent.")
    model_ms = serializers.FloatField(allow_null=True, help_text="Of that, time spent in models.")


class Said(Serializer):
    """What the person said."""

    text = serializers.CharField(source="user_text")
    item_id = serializers.CharField(source="turn.user_item_id")
    audio_ms = serializers.IntegerField(source="turn.user_audio_ms", allow_null=True)
    audio_url = serializers.SerializerMethodField()
    language = serializers.CharField(source="turn.language")
    confidence = serializers.FloatField(source="turn.confidence", allow_null=True)
    model = serializers.CharField(source="turn.stt_model", help_text="Speech-to-text.")

    @extend_schema_field({"type": "string", "format": "uri-reference", "nullable": True})
    def get_audio_url(self, view: TurnView) -> str | None:
        return _audio_url(view, "user") if view.turn.user_audio_id else None


class Answered(Serializer):
    """The answer: what the model wrote, what of it was spoken, and what of that was heard."""

    generated = serializers.CharField(source="generated_text")
    spoken = serializers.CharField(source="spoken_text")
    heard = serializers.CharField(source="heard_text")
    heard_ms = serializers.IntegerField(source="turn.heard_ms", allow_null=True)
    heard_complete = serializers.BooleanField(source="turn.heard_complete", allow_null=True)
    heard_source = serializers.ChoiceField(
        [("", "nothing was heard"), *HeardSource.choices], source="turn.heard_source"
    )
    item_id = serializers.CharField(source="turn.reply_item_id")
    response_id = serializers.CharField(source="turn.response_id")
    audio_url = serializers.SerializerMethodField()
    voice = serializers.CharField(source="turn.voice")
    speech_engine = serializers.CharField(
        source="turn.speech_engine", help_text="What spoke the first sentence; empty in older records."
    )
    speech_quality = serializers.CharField(source="turn.speech_quality", help_text="`fast`, `fine`, or empty.")
    cloned = serializers.BooleanField(source="turn.cloned", help_text="Some of it was spoken in a person's voice.")
    model = serializers.CharField(source="turn.chat_model")
    finish_reason = serializers.CharField(source="turn.finish_reason")
    input_tokens = serializers.IntegerField(source="turn.input_tokens", min_value=0)
    output_tokens = serializers.IntegerField(source="turn.output_tokens", min_value=0)
    cached_tokens = serializers.IntegerField(source="turn.cached_tokens", min_value=0)

    @extend_schema_field({"type": "string", "format": "uri-reference", "nullable": True})
    def get_audio_url(self, view: TurnView) -> str | None:
        return _audio_url(view, "reply") if view.turn.reply_audio_id else None


class TurnOut(Serializer):
    """One turn."""

    number = serializers.IntegerField(source="turn.number", min_value=1)
    turn_id = serializers.CharField(source="turn.turn_id")
    started_at = serializers.DateTimeField(source="turn.started_at")
    status = serializers.ChoiceField(TurnStatus.choices, source="turn.status")
    reason = serializers.CharField(source="turn.reason")
    error_code = serializers.CharField(source="turn.error_code")
    erased = serializers.SerializerMethodField(help_text="Its words were erased: the texts are empty.")
    keep = serializers.ChoiceField(Keep.choices, source="turn.keep")
    user = Said(source="*")
    reply = Answered(source="*")
    latency = Latencies(source="turn")

    def get_erased(self, view: TurnView) -> bool:
        return view.erased or view.turn.redacted


class Detail(Summary):
    """A conversation with its first turns."""

    turns = TurnOut(many=True)
    next_turns = serializers.CharField(
        allow_null=True, help_text="Address of the turns that follow; null when these are all."
    )


class TurnPage(Serializer):
    turns = TurnOut(many=True)
    next_turns = serializers.CharField(allow_null=True, help_text="Address of the turns that follow, or null.")


class LatencyOut(Serializer):
    n = serializers.IntegerField(min_value=1, help_text="How many turns have this step.")
    p50_ms = serializers.FloatField()
    p95_ms = serializers.FloatField()


class LatenciesOut(Serializer):
    """Milliseconds from the true end of speech, by step; null when no turn has it."""

    endpoint_ms = LatencyOut(allow_null=True)
    transcript_ms = LatencyOut(allow_null=True)
    first_token_ms = LatencyOut(allow_null=True)
    first_sentence_ms = LatencyOut(allow_null=True)
    first_audio_ms = LatencyOut(allow_null=True)
    model_ms = LatencyOut(allow_null=True)


class FiguresOut(Serializer):
    turns = serializers.IntegerField(min_value=0)
    completed = serializers.IntegerField(min_value=0)
    cancelled = serializers.IntegerField(min_value=0)
    failed = serializers.IntegerField(min_value=0)
    errors = serializers.DictField(  # type: ignore[assignment]  # a field, not the property
        child=serializers.IntegerField(min_value=1), help_text="Turns by error code."
    )
    latency = LatenciesOut()


class SpokenOut(Serializer):
    """Turns whose first sentence one engine spoke."""

    engine = serializers.CharField()
    cloned = serializers.BooleanField(help_text="In a person's voice.")
    turns = serializers.IntegerField(min_value=1)
    first_audio_ms = LatencyOut(allow_null=True)


class DayOut(Serializer):
    day = serializers.DateField()
    figures = FiguresOut()


class StatisticsOut(Serializer):
    """Figures of all turns that began in the time asked for."""

    since = serializers.DateTimeField()
    until = serializers.DateTimeField()
    conversations = serializers.IntegerField(min_value=0)
    sessions = serializers.IntegerField(min_value=0)
    total = FiguresOut()
    days = DayOut(many=True)
    spoken = SpokenOut(many=True, help_text="By what spoke, where that is recorded.")


class EventOut(Serializer):
    """A fact as it was recorded, in today's form of its type."""

    position = serializers.IntegerField(min_value=1, help_text="1, 2, 3 … over all of the log.")
    event_id = serializers.UUIDField()
    stream = serializers.CharField()
    sequence = serializers.IntegerField(min_value=1, help_text="1, 2, 3 … within the stream.")
    conversation_id = serializers.CharField(help_text="Empty for what is about a person.")
    type = serializers.CharField()
    version = serializers.IntegerField(min_value=1)
    recorded_at = serializers.DateTimeField()
    turn_id = serializers.CharField()
    session_id = serializers.CharField()
    actor = serializers.CharField(help_text="An opaque id; empty for the system itself.")
    causation = serializers.CharField()
    words = serializers.ChoiceField(
        ["none", "included", "withheld", "erased"],
        help_text="Whether the payload's personal fields are there: there are none; yes; "
        "no, you may not read them; no, they were erased.",
    )
    payload = serializers.DictField()


class EventPage(Serializer):
    """Events above a position, in order."""

    events = EventOut(many=True)
    next_after = serializers.IntegerField(min_value=0, help_text="Ask for what comes after this position next.")
    more = serializers.BooleanField(
        help_text="There is more already; a page may hold few events and still not be the last."
    )
    latest = serializers.IntegerField(min_value=0, help_text="The newest position of the log.")


def _audio_url(view: TurnView, side: str) -> str:
    turn = view.turn
    return f"{conversation_path(turn.conversation_id)}turns/{turn.number}/audio/{side}/"
