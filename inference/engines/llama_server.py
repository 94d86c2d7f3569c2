"""The embedded chat model's process: llama.cpp's own server on a Unix socket, until standard input ends.

`python -m inference.engines.llama_server '{"model": ...}'`. A process of its own, because llama.cpp aborts on a broken
model file and a crash must take nothing along. It ends with its parent, whatever ended that: the pipe breaks.
"""

import os
import sys
from pathlib import Path

import msgspec

from inference.engines.gguf import chat_template

_SMALL_BYTES = 400 * 1024**2
"""A token of a model below this size is made as fast by one thread as by two: they would only wait for each other."""
_REUSED_TOKENS = 32
"""From so many equal tokens on, a part of the old prompt that moved is not read anew but shifted to its new place.

When a conversation's oldest turns are dropped all that follows moves: without this, a thousand tokens are read again.
"""
_TOOLS = Path(__file__).with_name("chatml_tools.jinja")


class LlamaOptions(msgspec.Struct, frozen=True):
    """What the server is started with. Sizes in tokens unless named otherwise."""

    model: str
    """Path of the GGUF."""
    alias: str
    socket: str
    slots: int
    context_per_slot: int
    threads: int
    cache_mb: int


def main() -> None:
    import setproctitle  # noqa: PLC0415 - only the process needs it, not who imports LlamaOptions

    options = msgspec.json.decode(sys.argv[1], type=LlamaOptions)
    setproctitle.setproctitle(f"avatar: chat {options.alias}")
    serve(options)
    os._exit(0)  # without waiting for generations that nobody will read


def template_with_tools(model: str) -> str:
    """A prompt template that knows functions, for a ChatML model whose own does not; else empty: its own is used.

    llama.cpp drops functions without a word when the model's template does not mention them, and with them the grammar
    that `tool_choice` asks for. Raises `NotGguf`.
    """
    own = chat_template(Path(model))
    if "<|im_start|>" not in own or "tools" in own:
        return ""
    return _TOOLS.read_text(encoding="utf-8").replace("MODEL_TEMPLATE", own)


def serve(options: LlamaOptions) -> None:
    """Loads the model, serves until standard input ends. A broken file raises or aborts the process."""
    import xllamacpp as llama  # noqa: PLC0415 - 100 MB of library

    small = Path(options.model).stat().st_size < _SMALL_BYTES
    params = llama.CommonParams()
    params.model.path = options.model
    params.model_alias = {options.alias}
    params.hostnames = [options.socket]
    params.n_parallel = options.slots
    params.n_ctx = options.context_per_slot * options.slots
    params.kv_unified = False  # a session's window is its own: no other session's turn can push it out
    params.fit_params = False
    params.chat_template = template_with_tools(options.model)
    params.cpuparams.n_threads = 1 if small else options.threads
    params.cpuparams_batch.n_threads = options.threads
    params.n_threads_http = options.slots + 2
    params.cache_ram_mib = options.cache_mb
    params.n_cache_reuse = _REUSED_TOKENS
    params.endpoint_metrics = True
    params.endpoint_slots = True
    params.ui = False
    params.verbosity = 1  # errors alone; more would put prompts into the log
    server = llama.Server(params)
    while sys.stdin.buffer.read(4096):
        pass
    del server  # it serves only as long as it is referred to


if __name__ == "__main__":
    main()
