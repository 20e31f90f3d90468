"""The bytes of a saved plan, whoever wrote them."""

import gzip
import hashlib
import json
from contextlib import suppress

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st
from plan_builder import inventory, play, playbook

from runner.errors import InputError, MismatchError
from runner.model.encoding import encode_plan
from runner.model.plan_options import PlanOptions
from runner.model.saved_plan import (
    BEGINS,
    DEEPEST,
    SavedPlan,
    check_shape,
    movable,
    put_together,
    saved_plan_schema,
    take_apart,
)
from runner.planning.compile import compile_plan

HEAD = SavedPlan(
    id="0123456789abcdef" * 2,
    created="2030-01-01T00:00:00.000000Z",
    expires="2030-01-08T00:00:00.000000Z",
    tool="0.1.0",
    user="ada",
    host="here",
    playbook="site.yaml",
    cwd="/srv/project",
    project="/srv/project",
    git_commit=None,
    git_clean=None,
    options=PlanOptions(limit=("web*",), seed=7),
)
KEY = b"k" * 32
PLAN = encode_plan(compile_plan(playbook(play()), inventory("web[1-2]"), inputs={"site.yaml": "00ff"}))
GOOD = put_together(HEAD, PLAN, KEY)


def refused(data):
    """The codes of what is said, and the exit status it comes to."""
    with pytest.raises((InputError, MismatchError)) as raised:
        take_apart(data, "plan.json")
    return [problem.code for problem in raised.value.problems], 12 if raised.type is MismatchError else 2


def with_sum(data):
    """What somebody wrote who knows how sums are made."""
    return data + b'"sum":"' + hashlib.sha256(data[:-1]).hexdigest().encode() + b'"}\n'


def test_it_comes_apart_into_what_it_was_made_of():
    """The seal is of one key alone; the sum is that of the file."""
    parts = take_apart(GOOD, "plan.json")

    assert (parts.head, parts.plan, parts.inputs) == (HEAD, PLAN, {"site.yaml": "00ff"})
    assert parts.sha256 == hashlib.sha256(GOOD).hexdigest()
    assert parts.is_sealed_with(KEY)
    assert not parts.is_sealed_with(b"another")
    assert not parts.is_sealed_with(None)
    assert not take_apart(put_together(HEAD, PLAN, None), "plan.json").is_sealed_with(KEY)


def test_it_fits_its_schema():
    """The published one; and nothing is left out of that."""
    data = json.loads(GOOD)

    jsonschema.validate(data, saved_plan_schema())
    for key in data:
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate({name: value for name, value in data.items() if name != key}, saved_plan_schema())


def test_no_byte_of_it_can_be_another():
    """Each one, a few ways: it is refused as changed; at its very ends perhaps as no saved plan."""
    for index in range(len(GOOD)):
        for mask in (1, 2, 32, 128):
            data = GOOD[:index] + bytes([GOOD[index] ^ mask]) + GOOD[index + 1 :]
            assert refused(data)[1] == 12 or not len(BEGINS) <= index < len(GOOD) - 160, index


def test_it_can_be_cut_nowhere():
    """Every beginning of it is refused, and so is anything behind its end."""
    assert all(refused(GOOD[:length])[1] == 2 for length in range(len(GOOD) - 1))
    assert refused(GOOD[:-1]) == (["E608"], 12)
    assert refused(GOOD + b"\n") == (["E608"], 12)
    assert refused(GOOD + b"{}") == (["E601"], 2)


@pytest.mark.parametrize(
    ("data", "code", "status"),
    [
        (b"", "E601", 2),
        (b"\n \n", "E601", 2),
        (b"\xef\xbb\xbf" + GOOD, "E601", 2),
        (json.dumps(json.loads(GOOD), indent=2).encode(), "E608", 12),
        (GOOD.replace(b'"ada"', b'"bob"'), "E608", 12),
        (gzip.compress(GOOD), "E612", 2),
        (b"PK\x03\x04", "E612", 2),
        (b"<!DOCTYPE html>", "E612", 2),
        (PLAN, "E612", 2),
        (b"version: 1\nhosts: all\n", "E612", 2),
        (b"\x7fELF\x00\x00", "E612", 2),
        (b'{"format":"runner-plan"', "E601", 2),
    ],
)
def test_what_is_no_saved_plan_is_told_apart(data, code, status):
    """What was changed is another thing than what never was one."""
    assert refused(data) == ([code], status)


@pytest.mark.parametrize(
    ("old", "new", "code", "status"),
    [
        (b'"version":"1.0"', b'"version":"2.0"', "E606", 12),
        (b'"version":"1.0"', b'"version":1', "E607", 2),
        (b'"user":"ada"', b'"user":"ada","more":1', "E607", 2),
        (b'"user":"ada"', b'"user":"ada","user":"bob"', "E602", 2),
        (b'"user":"ada"', b'"user":NaN', "E603", 2),
        (b'"user":"ada"', b'"user":"\\ud800"', "E603", 2),
        (b'"id":"01', b'"id":"..', "E607", 2),
        (b'"plan":', b'"plant":', "E601", 2),
    ],
)
def test_a_right_sum_makes_it_no_plan(old, new, code, status):
    """What only somebody who writes such a file on purpose can have put in."""
    end = GOOD.index(b'"sum":')

    assert refused(with_sum(GOOD[:end].replace(old, new, 1))) == ([code], status)


def test_a_newer_minor_version_that_says_no_more_is_taken():
    """Fields that are not known are refused, so nothing that matters is passed over."""
    end = GOOD.index(b'"sum":')

    assert take_apart(with_sum(GOOD[:end].replace(b'"1.0"', b'"1.1"', 1)), "plan.json").head.version == "1.1"


@pytest.mark.parametrize(
    "plan",
    [b"[" * (DEEPEST + 1), b'{"a":' * 10_000 + b"1" + b"}" * 10_000, b"[" + b"0," * 3_000_000 + b"0]"],
    ids=["open", "deep", "wide"],
)
def test_a_plan_of_no_sensible_shape_is_not_read(plan):
    """Before it costs anything."""
    with pytest.raises(InputError, match=r"deep|values"):
        check_shape(plan, "plan.json")


def test_text_counts_as_one_value_whatever_is_in_it():
    """Brackets and commas too."""
    check_shape(json.dumps({"a": "[" * 10_000, 'b"\\': "," * 10_000}).encode(), "plan.json")
    check_shape(PLAN, "plan.json")


def test_paths_of_a_project_are_the_same_wherever_it_lies():
    """Only whole paths count, not texts that hold one."""
    data = b'["/srv/project","/srv/project/a","/srv/projects","see /srv/project/a"]'

    assert movable(data, "/srv/project") == b'[".","./a","/srv/projects","see /srv/project/a"]'
    assert movable(data, "/") == data


@given(st.binary(max_size=300) | st.binary(max_size=300).map(lambda tail: GOOD[:500] + tail + GOOD[-160:]))
def test_any_bytes_are_refused_in_words(data):
    """One kind of error or the other, and nothing else."""
    assert refused(data)[0]


@given(st.data())
def test_any_mutation_with_a_right_sum_is_refused_or_read(data):
    """Parts cut out, doubled or replaced by somebody who makes the sum right again: no fault of runner's own."""
    body = GOOD[: GOOD.index(b'"sum":')]
    start = data.draw(st.integers(0, len(body) - 1))
    end = data.draw(st.integers(start, min(len(body), start + 60)))
    middle = data.draw(st.binary(max_size=20) | st.just(body[start:end] * 2) | st.just(b""))
    mutated = with_sum(body[:start] + middle + body[end:])

    with suppress(InputError, MismatchError):
        assert dict(take_apart(mutated, "plan.json").inputs) is not None
