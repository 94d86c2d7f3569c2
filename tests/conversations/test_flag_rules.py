"""Rules find what they are meant to find, in both languages, quickly whatever is written, and flag a turn once."""

import importlib
import time
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.core.management import CommandError, call_command
from django_q.models import Schedule

from conversations import following, schedules, tasks
from conversations.events import ConversationStarted, ReplyGenerated, UserTranscribed, UserWrote
from conversations.flagging.applying import FOLLOWER, apply_new, apply_since
from conversations.flagging.matching import InvalidRule, Matcher, matcher
from conversations.log import keys
from conversations.log.eventlog import event_log
from conversations.log.types import Metadata
from conversations.models import Conversation, Flag, FlagRule
from conversations.record import new_event
from conversations.services import moderation
from conversations.streams import stream_of
from tests.conversations.moderators import moderator, person

STARTED = "00000000-0000-7000-8000-000000000001"
with_a_log = pytest.mark.django_db(transaction=True)


def words(expression: str, language: str = "") -> Matcher:
    return matcher(name="w", reason="other", language=language, kind="words", expression=expression)


def pattern(expression: str) -> Matcher:
    return matcher(name="p", reason="other", language="", kind="pattern", expression=expression)


@pytest.mark.parametrize(
    ("expression", "text", "found"),
    [
        ("kill", "I will KILL him.", True),
        ("kill", "What a skill!", False),
        ("kill", "killing time", False),
        ("kill myself", "I want to kill\n  myself", True),
        ("c++", "I like C++, really", True),
        ("bomb\ngun", "He has a gun.", True),
        ("ｇｕｎ", "He has a gun.", True),
        ("gun", "He has a ｇｕｎ.", True),
        ("自殺", "我想要自殺了", True),
        ("自殺", "我很開心", False),
        ("straße", "in der STRASSE", True),
    ],
)
def test_words_are_found_whole_and_in_chinese_anywhere(expression: str, text: str, found: bool) -> None:
    assert words(expression).finds(text) is found


@pytest.mark.parametrize(
    ("rule", "text", "language", "found"),
    [
        ("en", "a gun", "en", True),
        ("en", "a gun", "en-GB", True),
        ("en", "a gun", "de", False),
        ("zh", "a gun", "", False),
        ("zh-Hant", "有 gun", "", True),
        ("", "a gun", "fr", True),
    ],
)
def test_a_rule_for_a_language_leaves_the_others_alone(rule: str, text: str, language: str, found: bool) -> None:
    assert words("gun", rule).finds(text, language) is found


def test_a_pattern_that_would_never_end_ends() -> None:
    rule = pattern(r"(a+)+(b+)+$")
    began = time.monotonic()
    assert not rule.finds("a" * 20_000 + "!")
    assert time.monotonic() - began < 1.0


def test_patterns_do_not_mind_capitals() -> None:
    assert pattern(r"\b[A-Z][12]\d{8}\b").finds("my id is a123456789, yes")
    assert not pattern(r"\b[A-Z][12]\d{8}\b").finds("ba1234567890")


@pytest.mark.parametrize("expression", ["(", r"(?=x)y", r"(a)\1", "", "x*", "a" * 20_000, "((a{1000}){1000}){1000}"])
def test_a_pattern_that_cannot_be_used_is_refused_with_a_reason(expression: str) -> None:
    with pytest.raises(InvalidRule) as refused:
        pattern(expression)
    assert str(refused.value)


def test_a_rule_without_words_is_refused() -> None:
    with pytest.raises(InvalidRule):
        words(" \n \n")


def test_a_wrong_rule_cannot_be_saved_in_a_form() -> None:
    with pytest.raises(ValidationError) as refused:
        FlagRule(name="x", kind="pattern", expression="(", reason="other").clean()
    assert "expression" in refused.value.message_dict
    with pytest.raises(ValidationError) as refused:
        FlagRule(name="x", kind="words", expression="a", reason="Not a code!").clean()
    assert "reason" in refused.value.message_dict


# Over the log


@pytest.fixture
def rule(db: None) -> FlagRule:
    return FlagRule.objects.create(name="weapons", kind="words", expression="gun\n槍", reason="violence")


@pytest.fixture
def conversation() -> str:
    say(ConversationStarted(owner=str(person("ana").pk)))
    return STARTED


def say(*facts: Any, turn: str = "", conversation_id: str = STARTED) -> None:
    metadata = Metadata(correlation=turn)
    event_log().append_now(stream_of(conversation_id), None, [new_event(fact, metadata) for fact in facts])


def wrote(text: str, turn: str) -> None:
    say(UserWrote(item_id=f"item-{turn}", text=text), turn=turn)


@with_a_log
@pytest.mark.usefixtures("conversation", "rule")
def test_what_was_typed_said_or_generated_is_flagged_in_its_turn() -> None:
    wrote("I have a gun.", "t1")
    wrote("Good morning.", "t2")
    say(UserTranscribed(item_id="u3", text="他有一把槍", language="zh-TW"), turn="t3")
    say(ReplyGenerated(response_id="r", item_id="a4", text="Take a gun."), turn="t4")
    done = apply_new()
    assert (done.looked, done.matched) == (4, 3)
    flags = {flag.turn_id: flag for flag in Flag.objects.all()}
    assert set(flags) == {"t1", "t3", "t4"}
    assert {(flag.rule, flag.reason, flag.status, flag.raised_by) for flag in flags.values()} == {
        ("weapons", "violence", "open", "")
    }
    assert Conversation.objects.get().open_flags == 3


@with_a_log
@pytest.mark.usefixtures("conversation", "rule")
def test_a_turn_is_flagged_once_however_often_the_rules_run() -> None:
    wrote("I have a gun.", "t1")
    apply_new()
    assert apply_new().looked == 0
    apply_since(datetime.now(UTC) - timedelta(hours=1))
    apply_since(datetime.now(UTC) - timedelta(hours=1))
    assert Flag.objects.count() == 1


@with_a_log
@pytest.mark.usefixtures("conversation")
def test_what_a_person_has_decided_a_rule_does_not_ask_again(rule: FlagRule) -> None:
    wrote("I have a gun.", "t1")
    apply_new()
    mod = moderator("decide_flag")
    moderation.decide_flag(Flag.objects.get().flag_id, actor=mod, decision="dismissed", reason="harmless")
    apply_since(datetime.now(UTC) - timedelta(hours=1))
    assert Flag.objects.get().status == "dismissed"


@with_a_log
@pytest.mark.usefixtures("conversation", "rule")
def test_erased_words_are_not_looked_at() -> None:
    wrote("I have a gun.", "t1")
    event_log().write_now(lambda: keys.destroy(stream_of(STARTED), "t1"))
    done = apply_new()
    assert (done.looked, Flag.objects.count()) == (0, 0)


@with_a_log
@pytest.mark.usefixtures("conversation", "rule")
def test_a_private_turn_has_nothing_to_look_at() -> None:
    wrote("", "t1")
    assert apply_new().looked == 0


@with_a_log
@pytest.mark.usefixtures("conversation")
def test_a_disabled_rule_does_nothing_and_a_broken_one_stops_no_other(rule: FlagRule) -> None:
    FlagRule.objects.create(name="off", kind="words", expression="morning", reason="other", enabled=False)
    FlagRule.objects.create(name="broken", kind="pattern", expression="(", reason="other")
    wrote("Good morning, I have a gun.", "t1")
    apply_new()
    assert [flag.rule for flag in Flag.objects.all()] == ["weapons"]


@with_a_log
@pytest.mark.usefixtures("conversation", "rule")
def test_a_crash_in_between_loses_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    wrote("I have a gun.", "t1")
    wrote("Another gun.", "t2")
    asked = iter([None])

    def once(*args: Any, **named: Any) -> str:
        if next(asked, "over") == "over":
            raise OSError("killed")
        return flag(*args, **named)

    flag = moderation.flag
    monkeypatch.setattr(moderation, "flag", once)
    with pytest.raises(OSError, match="killed"):
        apply_new()
    assert (Flag.objects.count(), following.checkpoint(FOLLOWER)) == (1, 0)
    monkeypatch.setattr(moderation, "flag", flag)
    apply_new()
    assert Flag.objects.count() == 2


@with_a_log
@pytest.mark.usefixtures("conversation", "rule")
def test_the_command(capsys: pytest.CaptureFixture[str]) -> None:
    wrote("I have a gun.", "t1")
    call_command("apply_rules")
    assert "1 texts looked at, 1 matches" in capsys.readouterr().out
    call_command("apply_rules", since="2020-01-01")
    assert "1 texts looked at, 1 matches" in capsys.readouterr().out
    with pytest.raises(CommandError, match="no date"):
        call_command("apply_rules", since="yesterday")
    assert Flag.objects.count() == 1


@with_a_log
@pytest.mark.usefixtures("conversation", "rule")
def test_the_task_cluster_runs_them_every_minute() -> None:
    wrote("I have a gun.", "t1")
    schedules.ensure()
    assert Schedule.objects.get(func="conversations.tasks.apply_rules").minutes == 1
    assert tasks.apply_rules() == "1 looked at, 1 matches"


# The rules that come along

RULES = importlib.import_module("conversations.migrations.0007_default_rules").RULES


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Sometimes I want to die.", {"Self-harm (English)"}),
        ("我不想活了", {"自傷（中文）"}),
        ("I'll kill you if you tell.", {"Threats (English)"}),
        ("我要殺了你", {"威脅（中文）"}),
        ("My card is 4111 1111 1111 1111.", {"Card numbers"}),
        ("我的身分證是 A123456789", {"身分證字號（台灣）"}),
        ("How do I kill a process on Linux?", set()),
        ("You are killing it! I could die of laughter.", set()),
        ("今天天氣很好，我們去公園吧。", set()),
        ("Call me at 0912 345 678.", set()),
    ],
)
def test_the_rules_that_come_along_find_what_they_are_for_and_little_else(text: str, found: set[str]) -> None:
    made = (
        matcher(name=name, reason=reason, language=language, kind=kind, expression=expression)
        for name, language, kind, expression, reason, _enabled in RULES
    )
    assert {rule.name for rule in made if rule.finds(text)} == found
