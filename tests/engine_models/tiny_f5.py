"""Makes a tiny F5-TTS of random numbers: ``python tiny_f5.py OUT_DIR``, run by the engine's own environment.

Its sound is noise: it proves the road, not the quality. Two layers of the published architecture, a vocabulary of
printable ASCII, and a Vocos of two layers.
"""

import sys
from importlib.resources import files
from pathlib import Path

import torch
import yaml
from f5_tts.model import CFM, DiT
from f5_tts.model.utils import get_tokenizer
from omegaconf import OmegaConf
from safetensors.torch import save_file
from vocos import Vocos

SMALL = {"dim": 64, "depth": 2, "heads": 2, "text_dim": 32, "conv_layers": 1}
MEL = {
    "n_fft": 1024,
    "hop_length": 256,
    "win_length": 1024,
    "n_mel_channels": 100,
    "target_sample_rate": 24000,
    "mel_spec_type": "vocos",
}


def make(out: Path) -> None:
    (out / "vocos").mkdir(parents=True, exist_ok=True)
    torch.manual_seed(0)
    config = OmegaConf.load(str(files("f5_tts").joinpath("configs/F5TTS_v1_Base.yaml")))
    config.model.arch.update(SMALL)
    OmegaConf.save(config, out / "tiny.yaml")
    characters = [" ", *(chr(code) for code in range(33, 127))]
    (out / "vocab.txt").write_text("\n".join(characters) + "\n", encoding="utf-8")
    tokens, size = get_tokenizer(str(out / "vocab.txt"), "custom")
    model = CFM(
        transformer=DiT(**config.model.arch, text_num_embeds=size, mel_dim=MEL["n_mel_channels"]),
        mel_spec_kwargs=MEL,
        odeint_kwargs={"method": "euler"},
        vocab_char_map=tokens,
    )
    weights = {name: value for name, value in model.state_dict().items() if not name.startswith("mel_spec.")}
    save_file({f"ema_model.{name}": value.contiguous() for name, value in weights.items()}, out / "model.safetensors")
    make_vocoder(out / "vocos")


def make_vocoder(out: Path) -> None:
    mel = {"sample_rate": 24000, "n_fft": 1024, "hop_length": 256, "n_mels": 100, "padding": "center"}
    backbone = {"input_channels": 100, "dim": 64, "intermediate_dim": 128, "num_layers": 2}
    head = {"dim": 64, "n_fft": 1024, "hop_length": 256, "padding": "center"}
    parts = {
        "feature_extractor": {"class_path": "vocos.feature_extractors.MelSpectrogramFeatures", "init_args": mel},
        "backbone": {"class_path": "vocos.models.VocosBackbone", "init_args": backbone},
        "head": {"class_path": "vocos.heads.ISTFTHead", "init_args": head},
    }
    (out / "config.yaml").write_text(yaml.safe_dump(parts), encoding="utf-8")
    torch.save(Vocos.from_hparams(str(out / "config.yaml")).state_dict(), out / "pytorch_model.bin")


if __name__ == "__main__":
    make(Path(sys.argv[1]))
