"""The chat backend that was chosen: a server by URL, vLLM in a process of its own, or the embedded model."""

from inference import catalogue
from inference.choice import Choice
from inference.config import EMBEDDED_CONTEXT_TOKENS, Config
from inference.host.changes import Changes
from inference.host.chat.backend import ChatBackend
from inference.host.chat.embedded import EmbeddedChat, EmbeddedModel
from inference.host.chat.remote import RemoteChat
from inference.host.chat.vllm import VllmChat, vllm_spec
from inference.host.children.child import Child, Children
from inference.host.children.place import folder_of, short_name


def build_chat(settings: Config, choice: Choice, changes: Changes, children: Children) -> ChatBackend:
    """``children`` gets the backend's process, where it has one of its own."""
    placement = choice.placement("vllm")
    if choice.chat == "vllm" and placement is not None:
        folder = folder_of(settings)
        spec = vllm_spec(settings, placement, folder / "vllm.sock")
        child = children.add(Child(spec, changes, log_dir=folder))
        return VllmChat(child, changes, context_tokens=settings.chat_context_tokens)
    if choice.chat == "url":
        return RemoteChat(
            settings.chat_url,
            settings.chat_api_key,
            settings.chat_model,
            changes,
            context_tokens=settings.chat_context_tokens,
        )
    return EmbeddedChat(
        _embedded_model,
        settings.data_dir / f"chat-{short_name(settings.engine_url)}.sock",
        changes,
        slots=settings.max_sessions,
        context_tokens=settings.chat_context_tokens or EMBEDDED_CONTEXT_TOKENS,
        threads=settings.cores,
        cache_mb=settings.chat_cache_mb,
    )


def _embedded_model() -> EmbeddedModel:
    entry = catalogue.default("chat")
    return EmbeddedModel(
        name=entry.name,
        file=catalogue.model_file(entry.name),
        languages=entry.languages,
        memory_bytes=entry.memory_mb * 1024**2,
    )
