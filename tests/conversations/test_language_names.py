"""What languages are called on people's pages."""

import pytest

from conversations.templatetags.history import own_names


@pytest.mark.parametrize(
    ("tags", "names"),
    [
        (("zh", "zh-TW", "zh-CN"), ("中文",)),
        (("zh-TW",), ("中文（台灣）",)),
        (("zh-TW", "en"), ("中文（台灣）", "English")),
        (("en", "en-GB"), ("British English",)),
        (("en", "en-US"), ("English",)),
        (("EN", "en"), ("English",)),
        (("de", "tlh"), ("Deutsch", "tlh")),
        ((), ()),
    ],
)
def test_each_language_is_named_once_with_its_region_where_there_is_one(
    tags: tuple[str, ...], names: tuple[str, ...]
) -> None:
    assert own_names(tags) == names
