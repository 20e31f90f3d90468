"""Expressions of tags."""

import pytest

from runner.planning.tags import TagError, holds, parsed, words


@pytest.mark.parametrize(
    ("text", "tags", "answer"),
    [
        ("web", "web", True),
        ("web", "db", False),
        ("web,db", "db", True),
        ("web or db", "db", True),
        ("web and db", "db", False),
        ("web and db", "db web", True),
        ("not web", "", True),
        ("not not web", "web", True),
        ("web and not (slow or risky)", "web", True),
        ("web and not (slow or risky)", "web risky", False),
        ("a or b and c", "a", True),
        ("(a or b) and c", "a", False),
        ("a, b and c", "a", True),
        ("web*", "web-1", True),
        ("web?", "web-1", False),
        ("not web*", "web1 db", False),
        ("nothing", "not", False),
    ],
)
def test_what_an_expression_means(text, tags, answer):
    """``not`` binds most, then ``and``; a comma is an ``or``; a glob stands for the tags that it matches."""
    assert holds(parsed(text), tags.split()) is answer


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", 'a tag is missing at the end of ""'),
        ("a and", 'a tag is missing at the end of "a and"'),
        ("or a", 'a tag is missing before "or" in "or a"'),
        ("a,,b", 'a tag is missing before "," in "a,,b"'),
        ("()", 'a tag is missing before ")" in "()"'),
        ("(a", '")" is missing in "(a"'),
        ("a)", '"a)" goes on with ")" where it should end'),
        ("a b", '"a b" goes on with "b" where it should end'),
        ("not " * 51 + "a", "more than 50 parentheses and nots stand inside each other"),
        ("(" * 100_000, "more than 50 parentheses and nots stand inside each other"),
    ],
)
def test_what_is_no_expression_is_told(text, message):
    """With what was read; nothing is too deep or too long for it."""
    with pytest.raises(TagError) as raised:
        parsed(text)
    assert str(raised.value) == message


def test_behind_not_a_tag_is_not_asked_for():
    """What decides whether a step that never runs unasked is asked for."""
    assert dict(words(parsed("a and not (b or not c)"))) == {"a": True, "b": False, "c": True}
