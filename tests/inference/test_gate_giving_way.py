"""When memory lacks the memory gate says what gives way, in which order, and when it comes back."""

from inference.gate.terms import Declaration, Granted, Load, Service, Unload
from tests.inference.gated import COSY, F5, GB, LLM, Card


def test_the_order_fine_speech_then_clones_then_voices_and_never_the_core() -> None:
    voice = Declaration("voice", "voice", "cuda:0", GB)
    card = Card(LLM, COSY, F5, voice)
    card.loaded("llm", "cosyvoice", "f5", "voice")
    assert card.look() == ()
    for others, engine, level in ((6, "cosyvoice", "no_fine"), (10, "f5", "no_clones"), (11, "voice", "text_only")):
        card.others = others * GB
        actions = card.look()
        assert actions[0] == Unload(engine)
        assert isinstance(actions[1], Service)
        assert actions[1].level == level
        assert "other programs" in actions[1].reason
        assert card.look(0.1) == ()  # it is on its way
        card.gone(engine)
    card.others = 13 * GB
    assert card.look() == ()
    assert card.gate.accounts["llm"].life == "loaded"


def test_only_as_much_gives_way_as_is_needed_and_the_least_recently_used_first() -> None:
    first, second = (Declaration(name, "fine", "cuda:0", 2 * GB, on_demand=True) for name in ("first", "second"))
    card = Card(LLM, first, second)
    card.loaded("llm", "first", "second")
    card.gate.used(5.0, "second")
    card.gate.used(6.0, "first")
    card.others = 8 * GB
    assert card.look()[0] == Unload("second")
    card.gone("second")
    assert card.look() == ()
    assert card.gate.accounts["first"].life == "loaded"


def test_it_comes_back_when_there_has_been_room_for_a_while_the_gravest_loss_first() -> None:
    voice = Declaration("voice", "voice", "cuda:0", GB)
    card = Card(LLM, COSY, F5, voice, hold_s=30.0)
    card.loaded("llm", "cosyvoice", "f5", "voice")
    card.others = 12 * GB
    assert [action for action in card.look() if isinstance(action, Unload)] == [
        Unload("cosyvoice"),
        Unload("f5"),
        Unload("voice"),
    ]
    for engine in ("cosyvoice", "f5", "voice"):
        card.gone(engine)
    card.others = 0
    card.look()
    assert card.look(29.0) == ()
    card.others = 12 * GB  # not for good
    card.look()
    card.others = 0
    card.look()
    assert card.look(30.0) == (Load("voice"),)
    card.loaded("voice")
    assert card.look()[-1].level == "no_clones"  # type: ignore[union-attr]
    assert card.look(30.0) == (Load("f5"),)
    card.loaded("f5")
    card.look()
    card.look(30.0)
    assert card.services == ["text_only", "no_clones", "no_fine", "full"]
    assert card.gate.permit(card.now, "cosyvoice") == ""


def test_a_voice_that_is_not_on_the_machine_is_not_waited_for() -> None:
    here, missing = (Declaration(name, "voice", "cuda:0", GB) for name in ("here", "missing"))
    card = Card(LLM, here, missing)
    card.loaded("llm", "here", "missing")
    card.others = 11 * GB
    card.look()
    card.gone("here")
    card.gone("missing")
    card.others = 0
    card.look()
    assert card.look(30.0) == (Load("here"), Load("missing"))
    card.loaded("here")
    assert card.look() == ()
    card.gone("missing")  # its files have gone meanwhile
    card.look()
    assert card.services == ["text_only", "full"]


def test_fine_speech_that_does_not_fit_is_refused_in_words_and_allowed_again_later() -> None:
    card = Card(LLM, COSY)
    card.loaded("llm")
    card.others = 8 * GB
    card.look()
    assert card.gate.permit(card.now, "cosyvoice").startswith("It needs 4.0 GB; cuda:0: 18.0 GB of 21.6 GB used")
    assert card.look()[0].level == "no_fine"  # type: ignore[union-attr]
    card.others = 0
    card.look()
    card.look(31.0)
    assert card.gate.level == "full"
    assert card.gate.permit(card.now, "cosyvoice") == ""
    assert card.fill() == 2  # 6 beside it, if the others had not shown what they may use


def test_fine_speech_is_not_loaded_anew_with_every_session_that_goes() -> None:
    card = Card(LLM, COSY, hold_s=30.0)
    card.loaded("llm", "cosyvoice")
    card.look()
    for number in range(6):
        card.ask(f"s{number}")
    card.ask("seventh")
    card.gone("cosyvoice")
    assert card.look(0.5) == (Granted("seventh"),)
    card.gate.leave(card.now, "seventh")
    card.gate.leave(card.now, "s0")  # there is room for it again, and 3 % of the card more
    for _ in range(30):
        card.look(1.0)
        assert card.gate.permit(card.now, "cosyvoice").startswith("cuda:0: "), "it comes back after 30 s, not before"
        assert card.gate.level == "no_fine"
    card.look(1.0)  # that it was asked for meanwhile has put nothing off
    assert card.gate.level == "full"
    assert card.gate.permit(card.now, "cosyvoice") == ""


def test_fine_speech_comes_back_when_there_is_more_room_than_it_needs_not_with_the_last_byte_of_it() -> None:
    card = Card(LLM, COSY, hold_s=30.0)
    card.loaded("llm")
    card.others = 8 * GB
    card.look()
    assert card.gate.permit(card.now, "cosyvoice")
    card.others = int(6.5 * GB)  # 21.6 - 0.72 - 10 - 6.5: 0.38 GB more than it needs, where 0.72 are asked for
    card.look()
    card.look(100.0)
    assert card.gate.permit(card.now, "cosyvoice")
    card.others = 6 * GB
    card.look()
    card.look(30.0)
    assert card.gate.permit(card.now, "cosyvoice") == ""
