"""The nearest right word."""

import pytest

from runner.words import nearest, suggest

KEYS = ["timeout", "name", "hosts", "when", "on_failure", "env", "id"]


@pytest.mark.parametrize(
    ("wrong", "right"),
    [
        ("timout", "timeout"),
        ("tiemout", "timeout"),
        ("Hosts", "hosts"),
        ("nmae", "name"),
        ("onfailure", "on_failure"),
        ("evn", "env"),
        ("time", "timeout"),
    ],
)
def test_a_typing_error_finds_its_word(wrong, right):
    """A missing, extra, wrong or swapped letter, or another case, is no obstacle, and neither is a word cut short."""
    assert nearest(wrong, KEYS) == right


@pytest.mark.parametrize("wrong", ["", "x", "serial", "whe_nnnn", "hxxxs", "tixxxut", "to", "n" * 500])
def test_a_different_word_finds_nothing(wrong):
    """Better no hint than a wild one."""
    assert suggest(wrong, KEYS) == ""


def test_the_beginning_of_several_words_is_none_of_them():
    """Better no hint than a wrong one."""
    assert nearest("web", ["web-canary", "web-others"]) == ""


def test_the_hint_is_a_question():
    """It can stand in a message as it is."""
    assert suggest("hots", KEYS) == 'did you mean "hosts"?'


def test_of_equally_near_words_the_first_in_the_alphabet_is_meant():
    """The answer does not depend on an order that nobody sees."""
    assert nearest("cat", ["rat", "bat"]) == "bat"
