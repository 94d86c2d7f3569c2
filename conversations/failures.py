"""What the record says of a failure: our own sentence, never a server's, which may quote what was said to it."""

_SENTENCES = {
    "engine_unavailable": "The engine was not there.",
    "invalid_request": "The engine refused the request.",
    "context_length_exceeded": "The conversation did not fit the model's window.",
    "server_full": "No place was free.",
    "invalid_audio": "The sound could not be read.",
    "empty_answer": "The model answered nothing.",
    "language_not_spoken": "No voice speaks the language: the answer was text only.",
    "service_text_only": "The machine had no memory left for a voice: the answer was text only.",
    "voice_stopped": "The voice had been taken back.",
}


def sentence(code: str) -> str:
    """For an error's code; ``speech_…`` is that of the voice."""
    return _SENTENCES.get(code.removeprefix("speech_"), "The engine failed.")
