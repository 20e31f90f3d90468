"""Plans as JSON and back."""

import math

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from plan_builder import host, inventory, play, playbook, rolling, step, tpl

from runner.errors import JournalError
from runner.location import Location
from runner.model.encoding import decode_plan, encode_plan, packed, unpacked
from runner.model.inventory import Become, Layer
from runner.model.playbook import Retry, Secret
from runner.model.template import Template
from runner.planning.compile import compile_plan
from runner.planning.settings import PlanSettings

TEXT = st.text(st.characters(exclude_categories=("Cs",)), max_size=8)
NUMBER = st.integers() | st.integers(2**62, 2**70) | st.floats(allow_nan=False)
KEYS = TEXT | st.sampled_from(["$template", "$number", "$mapping", "$", "kind"])
TEMPLATES = st.builds(
    Template, TEXT, st.builds(Location, TEXT, st.integers(1, 99), st.integers(1, 99), st.integers(1, 9)), st.booleans()
)
VALUES = st.recursive(
    st.none() | st.booleans() | NUMBER | TEXT | TEMPLATES,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3),
    max_leaves=8,
)


@given(VALUES)
def test_every_value_comes_back_as_it_was(value):
    """Templates, numbers JSON has no word for, and mappings that look like our own marks."""
    assert unpacked(msgspec.json.decode(msgspec.json.encode(packed(value)))) == value


def test_no_number_is_left_out():
    """The one that is not equal to itself, too."""
    assert math.isnan(unpacked(packed(math.nan)))


@settings(max_examples=50)
@given(st.dictionaries(KEYS, VALUES, max_size=3), VALUES)
def test_every_plan_comes_back_as_it_was(variables, value):
    """Encoding and decoding gives an equal plan, whatever stands in variables, params and options."""
    book = playbook(
        play(
            "a",
            step(
                params={"run": value, **variables},
                loop=value,
                become=Become(tpl("{{ who }}"), password=value),
                env=variables,
                stdin=value,
                verify=("test", value),
            ),
            step(id="two", when=tpl("x == 1", bare=True), retry=Retry(until=True), ok_codes=(0, "TERM"), become=False),
            vars=variables,
            strategy=rolling(1, "50%", "rest", group_by="rack", per_group_limit={"r": 1}),
        ),
        secrets={"s": Secret("s", Location("site.yaml", 1), command=("pass", "show"))},
        vars={"x": value},
    )
    layers = (Layer("host a", variables, {"x": Location("inventory.yaml", 4)}),)
    fleet = inventory(host("a", layers=layers, vars={**variables, "rack": "r"}), host("b", options={"user": "me"}))
    plan = compile_plan(book, fleet, settings=PlanSettings(extra={"e": value}, seed=3), inputs={"site.yaml": "00ff"})

    assert decode_plan(encode_plan(plan)) == plan


def test_templates_keep_their_place_and_nature():
    """A condition is still one, at its line, when it comes back."""
    book = playbook(play("a", step(when=tpl("a == 1", bare=True), params={"that": [tpl("b", bare=True)]})))

    one = decode_plan(encode_plan(compile_plan(book, inventory("a")))).plays[0].steps[0]

    assert one.when == Template("a == 1", Location("site.yaml", 9, 7, 6), bare=True)
    assert one.params["that"] == [Template("b", Location("site.yaml", 9, 7, 1), bare=True)]


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"{",
        b'{"playbook": 3}',
        b'{"playbook":"p","name":"n","folder":".","plays":[],"hosts":{},"extra":{"x":{"$what":1}}}',
        b'{"playbook":"p","name":"n","folder":".","plays":[],"hosts":{},"extra":{"x":{"$template":[1]}}}',
        b'{"playbook":"p","name":"n","folder":".","plays":[],"hosts":{},"extra":{"x":{"$number":"a"}}}',
    ],
)
def test_what_is_no_plan_is_refused(data):
    """One kind of error, whatever is wrong with the bytes."""
    with pytest.raises(JournalError, match="stored plan"):
        decode_plan(data)
