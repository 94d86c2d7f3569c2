"""The wire's ``turn_detection`` as the detector takes it."""

from conversations.realtime.listening.settings import TurnSettings
from conversations.realtime.protocol.settings import SemanticVad, ServerVad, TurnDetection


def turn_settings(detection: TurnDetection) -> TurnSettings:
    """Of either kind; what the other kind would take keeps its default."""
    match detection:
        case ServerVad():
            return TurnSettings(
                type="server_vad",
                threshold=detection.threshold,
                prefix_padding_ms=detection.prefix_padding_ms,
                silence_duration_ms=detection.silence_duration_ms,
                idle_timeout_ms=detection.idle_timeout_ms,
                create_response=detection.create_response,
                interrupt_response=detection.interrupt_response,
            )
        case SemanticVad():
            return TurnSettings(
                type="semantic_vad",
                eagerness=detection.eagerness,
                create_response=detection.create_response,
                interrupt_response=detection.interrupt_response,
            )
