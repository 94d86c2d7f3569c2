"""What the model is shown: append-only, as heard, within its window; and words shown while somebody speaks."""

from conversations.realtime.context import CHINESE_INSTRUCTIONS, DEFAULT_INSTRUCTIONS, Window, tokens
from conversations.realtime.items import Entry
from conversations.realtime.partials import Partials
from conversations.realtime.protocol.items import InputText, Message, OutputAudio
from conversations.realtime.waterfall import Turn, covered, measured, own_share_ms


def entries(turns: int, words: int = 30) -> list[Entry]:
    made: list[Entry] = []
    for number in range(turns):
        text = " ".join([f"word{number}"] * words)
        user = Message(id=f"u{number}", role="user", content=(InputText(text),))
        spoken = Message(id=f"a{number}", role="assistant", content=(OutputAudio(transcript=text),))
        made += [Entry(item=user, turn_id=f"t{number}"), Entry(item=spoken, turn_id=f"t{number}")]
    return made


def test_each_prompt_begins_with_the_one_before_it() -> None:
    window = Window()
    before: tuple[object, ...] = ()
    for count in range(1, 6):
        prompt = window.messages("Be kind.", entries(count), 10_000)
        assert prompt[: len(before)] == before
        before = prompt
    assert before[0] == {"role": "system", "content": "Be kind."}


def test_without_instructions_the_model_is_told_that_it_is_heard() -> None:
    assert Window().messages("", [], 1000)[0]["content"] == DEFAULT_INSTRUCTIONS


def test_once_there_is_chinese_the_model_is_told_to_keep_to_the_users_characters() -> None:
    """The words before it are the same and it stays at that: a prefix cache holds."""
    window = Window()
    told = [window.instructions("", language) for language in ("en", "zh", "en", "zh-TW")]
    assert told == [DEFAULT_INSTRUCTIONS, *[CHINESE_INSTRUCTIONS] * 3]
    assert CHINESE_INSTRUCTIONS.startswith(DEFAULT_INSTRUCTIONS)
    assert window.instructions("Be kind.", "zh") == "Be kind."


def test_a_full_window_drops_the_oldest_whole_turns_many_at_once() -> None:
    window = Window()
    budget = 1500
    drops = 0
    before: tuple[object, ...] = ()
    for count in range(1, 60):
        prompt = window.messages("Be kind.", entries(count), budget)
        assert sum(map(tokens, prompt)) <= budget
        assert prompt[-1]["content"].startswith(f"word{count - 1}")
        assert [m["role"] for m in prompt[1:3]] == ["user", "assistant"]
        drops += prompt[: len(before)] != before
        before = prompt
    assert 3 <= drops <= 15


def test_the_last_turn_stays_however_long_it_is() -> None:
    prompt = Window().messages("Be kind.", entries(2, words=2000), 500)
    assert [m["role"] for m in prompt] == ["system", "user", "assistant"]
    assert prompt[1]["content"].startswith("word1")


def test_an_answer_is_shown_as_far_as_it_was_heard() -> None:
    made = entries(2)
    made[1].heard = "word0 word0"
    made[3].heard = ""
    prompt = Window().messages("Be kind.", made, 10_000)
    assert [m["role"] for m in prompt] == ["system", "user", "assistant", "user"]
    assert prompt[2]["content"] == "word0 word0"


def test_only_words_that_two_hypotheses_agree_on_are_shown() -> None:
    partials = Partials()
    assert partials.agreed("And so my fellow") == ""
    assert partials.agreed("And so, my fellow Americans") == "And so, my fellow"
    assert partials.agreed("And so my fellow Americans ask not") == " Americans"
    assert partials.shown == "And so, my fellow Americans"
    assert partials.rest("And so, my fellow Americans, ask not.") == ", ask not."


def test_what_was_shown_is_never_taken_back() -> None:
    partials = Partials()
    partials.agreed("I scream for it")
    assert partials.agreed("I scream for it all") == "I scream for it"
    assert partials.agreed("Ice cream for it all day") == ""
    assert partials.agreed("Ice cream for it all day long") == ""
    assert partials.rest("Ice cream for it all day long.") == ""


def test_chinese_words_are_shown_by_characters() -> None:
    partials = Partials()
    partials.agreed("今天天氣")
    assert partials.agreed("今天天氣很好") == "今天天氣"


def test_overlapping_work_counts_once() -> None:
    assert covered([(0.0, 2.0), (1.0, 3.0), (5.0, 9.0)], 0.5, 6.0) == 3.5


def test_our_own_share_is_neither_model_nor_silence() -> None:
    from conversations.realtime.steps import Marks

    turn = Turn(speech_end=10.0, endpoint=10.3, transcript=10.25, stt_compute_ms=150.0, first_sent=10.6)
    marks = Marks(started=10.3, first_token=10.4, first_sentence=10.45, speech_asked=10.46, first_sound=10.55)
    assert own_share_ms(turn, marks) == 60.0
    fact = measured(turn, marks, "r")
    assert (fact.endpoint_ms, fact.first_audio_ms, fact.model_ms) == (300.0, 600.0, 390.0)
