"""What is said when there is no answer to say: honest, short, in the listener's language."""

from typing import Literal, get_args

PhraseKey = Literal[
    "no_answer",
    "engine_failed",
    "engine_starting",
    "transcription_failed",
    "not_understood",
    "too_long",
    "context_full",
    "not_speakable",
    "language_missing",
    "idle",
    "goodbye",
    "session_ending",
    "service_full",
    "service_no_fine",
    "service_no_clones",
    "service_text_only",
]
PHRASE_KEYS: tuple[PhraseKey, ...] = get_args(PhraseKey)

_ENGLISH: dict[PhraseKey, str] = {
    "no_answer": "I have no answer to that. Could you put it another way?",
    "engine_failed": "Something went wrong while I was thinking. Please try again.",
    "engine_starting": "I am still starting up. Please give me a moment.",
    "transcription_failed": "I could not make out what you said. Please say it again.",
    "not_understood": "I heard you, but no words. Please say it again.",
    "too_long": "That was longer than I can take in at once. Please say it in smaller parts.",
    "context_full": "That is more than I can keep in mind at once. Please make it shorter.",
    "not_speakable": "I have written it down. It cannot be read aloud well.",
    "language_missing": "I cannot speak that language yet. My answer is on the screen.",
    "idle": "Are you still there?",
    "goodbye": "Goodbye for now. Call me when you need me.",
    "session_ending": "Our time is nearly up, so I will have to end this conversation soon.",
    "service_full": "Everything is there again: all voices speak as usual.",
    "service_no_fine": "The machine is busy, so answers are spoken in the fast voice for now.",
    "service_no_clones": "The machine is busy, so a built-in voice speaks in place of a personal one for now.",
    "service_text_only": "The machine is busy, so answers are written and not spoken for now.",
}
_TRADITIONAL_CHINESE: dict[PhraseKey, str] = {
    "no_answer": "這個問題我答不上來，可以換個方式再問一次嗎？",
    "engine_failed": "我在思考時出了點問題，請再試一次。",
    "engine_starting": "我還在啟動，請稍等一下。",
    "transcription_failed": "我沒聽清楚，請再說一次。",
    "not_understood": "我聽到聲音，但沒聽出內容，請再說一次。",
    "too_long": "這段話太長了，我一次聽不完，請分成幾段說。",
    "context_full": "內容太多，我一次記不住，請說得短一點。",
    "not_speakable": "答案我寫在畫面上了，這不太適合唸出來。",
    "language_missing": "我還不會說這種語言，答案在畫面上。",
    "idle": "你還在嗎？",
    "goodbye": "那先這樣，有需要再叫我，再見。",
    "session_ending": "時間快到了，這次對話很快就要結束。",
    "service_full": "一切恢復正常，所有聲音都可以使用了。",
    "service_no_fine": "機器目前很忙，暫時用較快的聲音回答。",
    "service_no_clones": "機器目前很忙，暫時用內建的聲音代替個人的聲音。",
    "service_text_only": "機器目前很忙，暫時只用文字回答，不唸出來。",
}


def phrase(key: PhraseKey, language: str) -> str:
    """The sentence for ``key`` in the language of the BCP-47 tag; English where there is none of its own."""
    if language.partition("-")[0].lower() in {"zh", "yue", "cmn"}:
        return _TRADITIONAL_CHINESE[key]
    return _ENGLISH[key]
