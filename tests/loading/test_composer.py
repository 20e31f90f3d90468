"""YAML text into data: what is accepted, what is refused, and where it says so."""

import string

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from runner.loading.composer import compose, parsers
from runner.loading.documents import Problems, read_text
from runner.loading.limits import Limits
from runner.loading.source import Source

BOTH = pytest.mark.parametrize("parser", [yaml.CSafeLoader, yaml.SafeLoader], ids=["c", "python"])


def read(text, parser=None, limits=None):
    """Data and what was said: ``("E309", line, column)`` each."""
    problems = Problems()
    composed = compose(Source("f.yaml", text), problems, limits or Limits(), parser)
    said = [(p.code, p.location.line, p.location.column) for p in problems.in_order()]
    return (composed.data if composed else None), said


def message(text):
    """The first message and its hint."""
    problems = Problems()
    compose(Source("f.yaml", text), problems, Limits())
    first = problems.in_order()[0]
    return first.message, first.hint


ACCEPTED = [
    (
        "a: 1\nb: [x, 2.5, true, ~]\nc: {d: null, e: ''}\n",
        {"a": 1, "b": ["x", 2.5, True, None], "c": {"d": None, "e": ""}},
    ),
    ("- - a\n  - b\n- c: d\n  e: f\n", [["a", "b"], {"c": "d", "e": "f"}]),
    ("a: |\n  one\n   two\n\n  three\nb: >-\n  x\n  y\n", {"a": "one\n two\n\nthree\n", "b": "x y"}),
    ("a: 'it''s'\nb: \"\\x41\\u00e9\\\n  c\"\n", {"a": "it's", "b": "A\u00e9c"}),
    ("a: =\n", {"a": "="}),
    (
        "a: 19:30\nb: 12:30:45\nc: 11:22:33:44:55:56\nd: 2024-01-01\n",
        {"a": "19:30", "b": "12:30:45", "c": "11:22:33:44:55:56", "d": "2024-01-01"},
    ),
    ("on: x\ny: n\n", {"on": "x", "y": "n"}),
    ("'1': a\n'true': b\n'<<': c\n", {"1": "a", "true": "b", "<<": "c"}),
    ("a: !!str 1\n!!str 2: b\n", {"a": "1", "2": "b"}),
    ("a: &x [1, 2]\nb: *x\nc: &y t\nd: *y\n", {"a": [1, 2], "b": [1, 2], "c": "t", "d": "t"}),
    ("a: b#c\n", {"a": "b#c"}),
    ("a: 1\r\nb: |\r\n  x\r\n  y\r\n", {"a": 1, "b": "x\ny\n"}),
    ("---\na: 1\n...\n", {"a": 1}),
    ("a: |\n  x\ty\nb: 'q\tr'\n", {"a": "x\ty\n", "b": "q\tr"}),
    ("a: 1 # a\tcomment\n", {"a": 1}),
    ("w\u00f6rter: \u4e16\u754c\n", {"w\u00f6rter": "\u4e16\u754c"}),
    ("&k a: 1\nb: *k\n", {"a": 1, "b": "a"}),
    ("just text", "just text"),
    ("? a\n", {"a": None}),
]


@BOTH
@pytest.mark.parametrize(("text", "data"), ACCEPTED)
def test_good_yaml_is_data(text, data, parser):
    """Core types of YAML 1.2, text for all else, with either parser."""
    assert read(text, parser) == (data, [])


REFUSED = [
    # the file goes on behind these, so all of them are told
    ("a: 1\nb: 2\na: 3\n", ("E309", 3, 1)),
    ("a: {b: 1, b: 2}\n", ("E309", 1, 11)),
    ("1: a\n", ("E302", 1, 1)),
    ("true: a\n", ("E302", 1, 1)),
    ("~: a\n", ("E302", 1, 1)),
    ("1.5: a\n", ("E302", 1, 1)),
    ("? [a, b]\n: c\n", ("E302", 1, 3)),
    ("? {a: b}\n: c\n", ("E302", 1, 3)),
    ("a: &x {b: c}\n? *x\n: d\n", ("E302", 2, 3)),
    ("a: &x {b: 1}\nc:\n  <<: *x\n", ("E310", 3, 3)),
    ("<<: 3\n", ("E310", 1, 1)),
    ("012: a\n", ("E304", 1, 1)),
    ("a: {{ x }}\n", ("E206", 1, 4)),
    ("- {{ x.y }}\n", ("E206", 1, 3)),
    ("'{{ x }}': 1\n", ("E207", 1, 1)),
    ("a: 0644\n", ("E304", 1, 4)),
    ("mode: 0644\n", ("E303", 1, 7)),
    ("a: .inf\n", ("E306", 1, 4)),
    ("a: 1e999\n", ("E306", 1, 4)),
    ("a: !vault x\n", ("E218", 1, 4)),
    ("a: !!python/object/apply:os.system [x]\n", ("E218", 1, 4)),
    ("a: !!set {b}\n", ("E218", 1, 4)),
    ("a: !!float x\n", ("E218", 1, 4)),
    ("a: ! x\n", ("E208", 1, 4)),
    ("a: &x 1\nb: &x 2\n", ("E210", 2, 4)),
    ("a\u200bb: 1\n", ("E111", 1, 1)),
    ("name: a\u200bb\n", ("E111", 1, 7)),
    ('"a\\x1b": 1\n', ("E107", 1, 1)),
    ('dest: "a\\nb"\n', ("E107", 1, 7)),
    (f"{'k' * 300}: 1\n", ("E213", 1, 1)),
    # the file ends with these
    ("a: *nope\n", ("E209", 1, 4)),
    ("a: &x [*x]\n", ("E209", 1, 8)),
    ("a: 1\n---\nb: 2\n", ("E214", 2, 1)),
    ("%YAML 2.0\n---\na: 1\n", ("E216", 1, 1)),
    ("%FOO bar\n---\na: 1\n", ("E217", 1, 1)),
    ("%TAG ! x\n---\na: 1\n", ("E217", 1, 1)),
    ('a: "x\\ud800"\n', ("E115", 1, 6)),
    ('a: "\\ud83d\\ude00"\n', ("E115", 1, 5)),
    ('a: "\\U00110000"\n', ("E115", 1, 5)),
    ("a:\n\tb: 1\n", ("E201", 2, 1)),
    ("a:\t1\n", ("E201", 1, 3)),
    ("a: p\tq\n", ("E201", 1, 5)),
    ("{a:\t1}\n", ("E201", 1, 4)),
    ("a: 1\n  b: 2\n", ("E202", 2, 3)),
    ("a: 1\n- b\n", ("E202", 2, 1)),
    ("- a\nb: 1\n", ("E202", 2, 1)),
    ("a: 1\nbar\nbaz: 2\n", ("E202", 2, 1)),
    ("a: {b: 1}}\n", ("E202", 1, 10)),
    ("a: -\n", ("E202", 1, 4)),
    ("a: b: c\n", ("E203", 1, 5)),
    ("a: [1, 2\n", ("E204", 1, 4)),
    ("a: {b: 1\n", ("E204", 1, 4)),
    ("a: 'x\n", ("E204", 1, 4)),
    ('a: "x\n', ("E204", 1, 4)),
    ("a: [web[01-12]]\n", ("E204", 1, 8)),
    ("a: 'x' y\n", ("E205", 1, 8)),
    ("a: {{ x }} y\n", ("E206", 1, 4)),
    ("a: @x\n", ("E208", 1, 4)),
    ("a: `x\n", ("E208", 1, 4)),
    ("a: %x\n", ("E208", 1, 4)),
    ("a: * x\n", ("E208", 1, 4)),
    ("a: & x\n", ("E208", 1, 4)),
    ('a: "\\q"\n', ("E208", 1, 5)),
    ('a: "\\u12"\n', ("E208", 1, 5)),
    ("a: !<x\n", ("E218", 1, 4)),
    ("a: !foo!bar x\n", ("E218", 1, 4)),
    ("a: |9x\n x\n", ("E220", 1, 6)),
    ("a: >+-+\n x\n", ("E220", 1, 6)),
    (f"{'k' * 1100}: 1\n", ("E213", 1, 1)),
]


@BOTH
@pytest.mark.parametrize(("text", "problem"), REFUSED)
def test_bad_yaml_is_one_problem_at_its_place(text, problem, parser):
    """Each has its code, line and column, the same with either parser."""
    assert read(text, parser)[1] == [problem]


WARNED = [
    ("a: NO\n", {"a": "NO"}, ("W301", 1, 4)),
    ("a: yes\n", {"a": "yes"}, ("W301", 1, 4)),
    ("a: \u201cx\u201d\n", {"a": "\u201cx\u201d"}, ("W114", 1, 4)),
    ("a: x\u200by\n", {"a": "x\u200by"}, ("W112", 1, 4)),
    ("shell: echo a # b\n", {"shell": "echo a"}, ("W221", 1, 15)),
    ("%YAML 1.2\n---\na: 1\n", {"a": 1}, ("W215", 1, 1)),
]


@BOTH
@pytest.mark.parametrize(("text", "data", "warning"), WARNED)
def test_what_others_read_differently_is_a_warning(text, data, warning, parser):
    """The value is text as written, and somebody is told."""
    assert read(text, parser) == (data, [warning])


def test_all_duplicates_are_told_and_the_first_value_stays():
    """One wrong key doesn't hide another."""
    data, said = read("a: 1\na: 2\nb:\n  c: 3\n  c: 4\n")

    assert data == {"a": 1, "b": {"c": 3}}
    assert said == [("E309", 2, 1), ("E309", 5, 3)]


def test_a_duplicate_names_the_first_place():
    """Both places are in the message."""
    assert message("x: 1\n\n x: 2\n".replace(" x", "x"))[0] == 'key "x" is here twice; first at line 1, column 1'


def test_a_template_without_quotes_says_how_to_quote_it():
    """The value as written, in quotes, is the hint."""
    assert message("cmd: {{ a.b }}\n")[1] == 'quote it: "{{ a.b }}"'
    assert message('cmd: {{ a | join(".") }}\n')[1] == "quote it: '{{ a | join(\".\") }}'"


def test_an_unknown_alias_lists_the_anchors():
    """The right name is often near."""
    assert message("a: &one 1\nb: &two 2\nc: *tow\n")[0] == 'no anchor is called "tow"; there are "one", "two"'


def test_an_unclosed_bracket_names_both_places():
    """Where it opened is the place; where reading failed is in the message."""
    assert message("a: [1,\n  2}\n")[0] == '"}" can\'t stand here, inside the "[" opened at line 1'
    assert message("a: [1,\n  2,\n")[0] == '"[" is never closed; reading ended at line 3'


BOMB = "a: &a [x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{b}: &{b} [*{a}, *{a}, *{a}, *{a}, *{a}, *{a}, *{a}, *{a}, *{a}]\n"
    for a, b in zip("abcdefgh", "bcdefghi", strict=True)
)


@BOTH
@pytest.mark.parametrize(
    ("text", "limits", "code"),
    [
        (BOMB, Limits(), "E211"),
        ("[" * 2000, Limits(), "E212"),
        ("- " * 70 + "x", Limits(), "E212"),
        ("[a, b, c, d]", Limits(nodes=4), "E222"),
        ("- &a x\n- *a\n- *a\n", Limits(aliases=1), "E223"),
        ("a: abcdef\n", Limits(scalar=5), "E224"),
        ("a: 'abcdef'\n", Limits(scalar=5), "E224"),
    ],
)
def test_no_file_costs_more_than_its_limits(text, limits, code, parser):
    """Bombs, depth and size are told with the limit, and reading ends."""
    data, said = read(text, parser, limits)

    assert data is None
    assert [problem[0] for problem in said] == [code]


def test_depth_up_to_the_limit_is_fine():
    """64 levels can be read, the 65th not."""
    assert read("[" * 64 + "]" * 64)[1] == []
    assert read("[" * 65 + "]" * 65)[1] == [("E212", 1, 65)]


@BOTH
def test_aliases_count_in_the_depth(parser):
    """Short chains of anchors can't build what nobody could walk through."""
    deep = "a: &a [[[1]]]\nb: &b {x: [*a]}\nc: [[*b]]\n"

    assert read(deep, parser, Limits(depth=8))[1] == []
    assert read(deep, parser, Limits(depth=7))[1] == [("E212", 3, 6)]


def test_the_fast_parser_is_preferred():
    """It is six times faster; the other is for systems that lack it."""
    assert parsers() == (yaml.CSafeLoader, yaml.SafeLoader)


YAML_PIECES = st.sampled_from(
    ["a", "b: ", "- ", "\n", "\n  ", "\n    ", "[", "]", "{", "}", ", ", ": ", "'", '"', "#", " #", "&x ", "*x", "!t ",
     "|\n ", ">\n ", "---\n", "...\n", "%YAML 1.1\n", "\\", "\\x41", "?", "<<", "{{ x }}", "0644", "1.5", "\t",
     "~", "yes", "\u00e9", "\r\n", "!!str ", "%", "@"]
)  # fmt: skip
QUICK = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@QUICK
@given(st.lists(YAML_PIECES, max_size=25).map("".join))
def test_no_text_breaks_the_reader(text):
    """Any mixture of YAML's signs is data or a problem with a place; what both parsers accept is the same data."""
    (fast, _), (slow, _) = read(text, yaml.CSafeLoader), read(text, yaml.SafeLoader)

    assert fast is None or slow is None or fast == slow


VALID = """\
version: 1
name: &n deploy
hosts: [web, "db"]
plays:
  - hosts: {a: *n}
    steps:
      - shell: |
          echo 'x'
          exit 0
      - copy: {src: "a b", dest: /x, mode: "0644"}
"""


@QUICK
@given(st.integers(0, len(VALID)), st.integers(0, 5), st.text(string.printable + "\u00e9\u2028\x1b", max_size=3))
def test_a_damaged_file_is_data_or_a_problem_with_a_place(at, cut, added):
    """A valid file with some characters lost or changed: every problem is inside the file."""
    text = VALID[:at] + added + VALID[at + cut :]
    problems = Problems()

    document = read_text(text, "f.yaml", problems)

    assert document is not None or problems.has_errors
    lines = text.split("\n")
    for problem in problems.in_order():
        assert 1 <= problem.location.line <= len(lines)
        assert 1 <= problem.location.column <= len(lines[problem.location.line - 1]) + 1
