"""A Llama chat model for vLLM out of a GGUF: `python chat_from_gguf.py FILE.gguf FOLDER`.

Reads and widens the quantised weights to bfloat16, and ends answers with the token that ChatML ends them with.
"""

import sys
from pathlib import Path

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer, LlamaForCausalLM


def main() -> None:
    gguf, folder = Path(sys.argv[1]), Path(sys.argv[2])
    source = {"pretrained_model_name_or_path": str(gguf.parent), "gguf_file": gguf.name}
    tokenizer = AutoTokenizer.from_pretrained(**source)
    read = AutoModelForCausalLM.from_pretrained(**source, dtype=torch.bfloat16)
    shape = read.config
    if hasattr(shape, "quantization_config"):
        del shape.quantization_config
    model = LlamaForCausalLM(shape).to(torch.bfloat16)
    missing, unknown = model.load_state_dict(read.state_dict(), strict=False)
    if unknown or set(missing) - {"lm_head.weight"}:  # which is the embedding, tied
        raise SystemExit(f"{gguf} has other weights than a Llama: without {missing}, with {unknown}")
    end = tokenizer.convert_tokens_to_ids("<|im_end|>")
    model.config.eos_token_id = end
    model.generation_config.eos_token_id = end
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)


if __name__ == "__main__":
    main()
