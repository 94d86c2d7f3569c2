"""What the next answer is made of: the context, the model and the voice, from the session and `response.create`."""

import re

from conversations.realtime.borrowing import Borrowed
from conversations.realtime.context import (
    ChatMessage,
    Window,
    chat_tool_choice,
    chat_tools,
    messages_of,
)
from conversations.realtime.live import Live
from conversations.realtime.protocol.client_events import ResponseOptions
from conversations.realtime.protocol.errors import ProtocolError
from conversations.realtime.protocol.items import Item, ItemReference, Message, OutputText
from conversations.realtime.stage import Manner
from conversations.realtime.steps import Fault, Plan
from conversations.realtime.voices import is_profile
from inference.types import ChatRequest

SPOKEN_TOKENS, WRITTEN_TOKENS = 320, 1024
"""What ``inf`` means for an answer that is spoken and for one that is read."""
UNITS_PER_S = 15
"""Letters that a voice says in a second."""
UNKNOWN_WINDOW = 4096
TEXT_ONLY = "The machine has no memory left for a voice: the answer is text only, until it has."
_CJK = re.compile(r"[\u3400-\u4dbf\u4e00-\u9fff]")


def manner(live: Live, options: ResponseOptions, conversation_id: str | None) -> Manner:
    """How the answer is given; raises `ProtocolError` when it cannot be given so."""
    if options.conversation not in {None, "auto", "none"}:
        raise ProtocolError("invalid_value", "`conversation` is `auto` or `none`.", "response.conversation")
    settings = live.settings
    modality = (options.output_modalities or settings.output_modalities)[0]
    limit = options.max_output_tokens if options.max_output_tokens is not None else settings.max_output_tokens
    return Manner(
        modality=modality,
        model=live.offer.model(settings.model),
        voice=voice_of(live, options),
        max_output_tokens=limit,
        conversation_id=None if options.conversation == "none" else conversation_id,
        metadata=options.metadata,
    )


def plan(
    live: Live,
    window: Window,
    options: ResponseOptions,
    *,
    more: tuple[ChatMessage, ...] = (),
    fault: Fault | None = None,
    script: str = "",
) -> Plan:
    """The answer to the conversation as it was heard; ``more`` is what is about to join it."""
    settings = live.settings
    spoken = (options.output_modalities or settings.output_modalities)[0] == "audio"
    limit = options.max_output_tokens if options.max_output_tokens is not None else settings.max_output_tokens
    max_tokens = (SPOKEN_TOKENS if spoken else WRITTEN_TOKENS) if limit == "inf" else limit
    tools = options.tools if options.tools is not None else settings.tools
    choice = options.tool_choice if options.tool_choice is not None else settings.tool_choice
    language = language_of(live)
    instructions = options.instructions if options.instructions is not None else settings.instructions
    instructions = window.instructions(instructions, language)
    bounded = spoken and limit == "inf" and live.spoken_answer_s > 0
    if options.input is not None:
        items = tuple(_dereferenced(live, item) for item in options.input)
        system: ChatMessage = {"role": "system", "content": instructions}
        messages: tuple[ChatMessage, ...] = (system, *messages_of(items))
    else:
        budget = (live.offer.context_tokens or UNKNOWN_WINDOW) - max_tokens - len(str(tools)) // 3
        messages = (*window.messages(instructions, live.conversation, budget), *more)
    return Plan(
        request=ChatRequest(
            messages=messages,
            model=live.offer.model(settings.model),
            tools=chat_tools(tools),
            tool_choice=chat_tool_choice(choice) if tools else None,
            max_tokens=max_tokens,
            prompt_cache_key=live.session_id if options.input is None else "",
        ),
        spoken=spoken,
        language=language,
        voice=_asked_of_the_host(live, options, language),
        borrowed=_borrowed(live, options),
        quality=(options.avatar.quality if options.avatar is not None else None) or settings.quality,
        speed=settings.audio.output.speed,
        voiceless=_voiceless(live, language, _borrowed(live, options)),
        enough=int(live.spoken_answer_s * UNITS_PER_S * 0.65) if bounded else None,
        most=int(live.spoken_answer_s * UNITS_PER_S) if bounded else None,
        fault=fault,
        script=script,
    )


def language_of(live: Live) -> str:
    """The language of the answer: the session's, else that of what was said last, else what its letters show."""
    transcription = live.settings.audio.input.transcription
    if transcription is not None and transcription.language:
        return transcription.language
    return live.language or "en"


def language_of_text(text: str) -> str | None:
    """Typed words tell their language only by their script."""
    return "zh" if _CJK.search(text) else "en" if re.search("[A-Za-z]", text) else None


def voice_of(live: Live, options: ResponseOptions) -> str:
    """The name of the voice in which the answer is given."""
    borrowed = _borrowed(live, options)
    return borrowed.id if borrowed is not None else live.offer.voice(_wanted_voice(live, options), language_of(live))


def _wanted_voice(live: Live, options: ResponseOptions) -> str:
    return options.voice or live.settings.audio.output.voice


def _asked_of_the_host(live: Live, options: ResponseOptions, language: str) -> str:
    """A name goes to the host as it was given: only who knows the voices of this moment can say why it is another."""
    wanted = _wanted_voice(live, options)
    if wanted and not is_profile(wanted) and _borrowed(live, options) is None:
        return wanted
    return live.offer.voice(wanted, language)


def _borrowed(live: Live, options: ResponseOptions) -> Borrowed | None:
    """A voice that is named for this answer alone goes before the speaker's own, and that before the session's."""
    if options.voice:
        return live.voices.borrowed(options.voice)
    return live.voices.own or live.voices.borrowed(live.settings.audio.output.voice)


def _primary(language: str) -> str:
    """A language without its region."""
    return language.partition("-")[0].lower()


def _voiceless(live: Live, language: str, borrowed: Borrowed | None) -> Fault | None:
    if live.service == "text_only":
        return Fault("service_text_only", TEXT_ONLY, fatal=False)
    its_own = borrowed is not None and _primary(borrowed.reference.language) == _primary(language)
    if not its_own and not live.offer.can_speak(language):
        return Fault("language_not_spoken", f"No voice speaks {language}: the answer is text only.", fatal=False)
    return None


def _dereferenced(live: Live, item: Item | ItemReference) -> Item:
    if isinstance(item, ItemReference):
        entry = live.conversation.get(item.id)
        if isinstance(entry.item, Message) and entry.heard is not None:
            return Message(role=entry.item.role, content=(OutputText(entry.heard),), id=entry.id)
        return entry.item
    return item
