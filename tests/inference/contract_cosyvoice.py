"""Stands for CosyVoice: a checkout whose module has the real one's calls and says tones, by the words it is given."""

from pathlib import Path

_MODULE = '''
"""The calls of CosyVoice that a worker makes, with their parameters; every call is written to calls.jsonl."""

import json
import logging
import math
import time
import wave
from pathlib import Path

import numpy as np

CALLS = Path(__file__).parents[2] / "calls.jsonl"


class Tensor:
    def __init__(self, samples):
        self.samples = samples

    def cpu(self):
        return self

    def numpy(self):
        return self.samples[None]


class Frontend:
    def __init__(self):
        self.spk2info = {}


class CosyVoice3:
    sample_rate = 22050

    def __init__(self, model_dir, fp16=False):
        self.frontend = Frontend()
        self._note(call="load", model_dir=model_dir, fp16=fp16)

    def add_zero_shot_spk(self, prompt_text, prompt_wav, zero_shot_spk_id):
        assert prompt_text.startswith("You are a helpful assistant.<|endofprompt|>")
        self._note(call="register", seconds=[self._seconds(prompt_wav), self._seconds(prompt_wav)], text=prompt_text)
        self.frontend.spk2info[zero_shot_spk_id] = {}
        return True

    def inference_zero_shot(
        self, tts_text, prompt_text, prompt_wav, zero_shot_spk_id="", stream=False, speed=1.0, text_frontend=True
    ):
        yield from self._speak("zero_shot", tts_text, zero_shot_spk_id, stream, speed)

    def inference_cross_lingual(
        self, tts_text, prompt_wav, zero_shot_spk_id="", stream=False, speed=1.0, text_frontend=True
    ):
        yield from self._speak("cross_lingual", tts_text, zero_shot_spk_id, stream, speed)

    def inference_instruct2(
        self, tts_text, instruct_text, prompt_wav, zero_shot_spk_id="", stream=False, speed=1.0, text_frontend=True
    ):
        self._note(call="instruction", text=instruct_text, seconds=[self._seconds(prompt_wav)])
        yield from self._speak("instruct", tts_text, zero_shot_spk_id or None, stream, speed)

    def _speak(self, how, text, speaker, stream, speed):
        assert stream is True
        assert speaker is None or speaker in self.frontend.spk2info, "the speaker is not registered"
        known = len(self.frontend.spk2info)
        self._note(call=how, text=text, speed=speed, known=known)
        logging.info("synthesis text %s", text)
        if "hang" in text:
            time.sleep(3600)
        if "nothing" in text:
            return
        for index in range(1000 if "endless" in text else 3):
            time.sleep(0.02)
            time_s = np.arange(self.sample_rate // 5) / self.sample_rate
            yield {"tts_speech": Tensor(np.sin(2 * math.pi * 440 * time_s).astype(np.float32) * 0.3)}
            if "break" in text:
                raise RuntimeError("CUDA error: " + text)

    def _seconds(self, path):
        with wave.open(path) as file:
            return file.getnframes() / file.getframerate()

    def _note(self, **what):
        with CALLS.open("a") as file:
            file.write(json.dumps(what) + "\\n")


def AutoModel(**kwargs):
    return CosyVoice3(**kwargs)
'''


def contract_checkout(folder: Path) -> Path:
    """Makes it in ``folder``."""
    for package in ("cosyvoice", "cosyvoice/cli"):
        (folder / package).mkdir(parents=True)
        (folder / package / "__init__.py").touch()
    (folder / "cosyvoice" / "cli" / "cosyvoice.py").write_text(_MODULE, encoding="utf-8")
    (folder / "pretrained_models" / "Fun-CosyVoice3-0.5B").mkdir(parents=True)
    return folder
