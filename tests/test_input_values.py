"""A value is taken as its input's type, or refused with what would have been."""

import pytest

from runner.input_values import Complaint, accepted
from runner.location import Location
from runner.model.playbook import Input

HERE = Location("site.yaml", 1)


def wanted(kind, **more):
    return Input("it", kind, HERE, **more)


@pytest.mark.parametrize(
    ("kind", "value", "taken"),
    [
        ("string", "1.10", "1.10"),
        ("integer", 3, 3),
        ("number", 3, 3),
        ("number", 0.5, 0.5),
        ("boolean", False, False),
        ("duration", "1m30s", 90),
        ("duration", "500ms", 0.5),
        ("duration", 10, 10),
        ("list", ["a", 1], ["a", 1]),
        ("mapping", {"a": 1}, {"a": 1}),
        ("path", "dist/app.tar", "/site/dist/app.tar"),
        ("path", "/srv/app.tar", "/srv/app.tar"),
    ],
)
def test_a_value_of_the_type_is_taken(kind, value, taken):
    """Durations become seconds, whole ones whole numbers; paths start at the file that gives them."""
    value = accepted(wanted(kind), value, folder="/site")

    assert value == taken
    assert type(value) is type(taken)


@pytest.mark.parametrize(
    ("kind", "value", "message"),
    [
        ("string", 1.1, "got 1.1, expected text"),
        ("string", None, "got nothing, expected text"),
        ("integer", True, "got true, expected a whole number"),
        ("integer", 1.0, "got 1.0, expected a whole number"),
        ("number", "5", 'got "5", expected a number'),
        ("boolean", "yes", 'got "yes", expected true or false'),
        ("duration", "5 minutes", '"5 minutes" is no duration'),
        ("duration", -1, "-1 is no duration"),
        ("list", "a", 'got "a", expected a list'),
        ("mapping", ["a"], "got a list of 1 item, expected a mapping"),
        ("path", "", 'got "", expected a path'),
    ],
)
def test_a_value_of_another_type_is_refused(kind, value, message):
    """Nothing is guessed: a number in place of text is as wrong as text in place of a number."""
    answer = accepted(wanted(kind), value)

    assert isinstance(answer, Complaint)
    assert answer.message == message


def test_a_choice_is_one_of_its_choices_as_it_is_written():
    """1 is neither true nor "1"; a near miss is helped."""
    size = wanted("choice", choices=("small", "large", 1))

    assert accepted(size, "large") == "large"
    assert accepted(size, "lage") == Complaint('got "lage", expected "small", "large", 1', 'did you mean "large"?')
    assert isinstance(accepted(size, True), Complaint)
    assert isinstance(accepted(size, "1"), Complaint)


def test_a_pattern_must_be_found_in_the_text():
    """Anchors decide how much of it; a line end behind the end is not the end. The help is the hint."""
    release = wanted("string", pattern=r"^\d+\.\d+$", help="the release, such as 1.2")

    assert accepted(release, "1.20") == "1.20"
    assert accepted(release, "v1") == Complaint(r'"v1" does not match ^\d+\.\d+$', "the release, such as 1.2")
    assert isinstance(accepted(release, "1.20\n"), Complaint)
    assert accepted(wanted("string", pattern="b"), "abc\n") == "abc\n"
