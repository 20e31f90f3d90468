"""Files as documents: bytes, encodings, and the place of every key and value."""

import hashlib
import os
import socket
import unicodedata

import pytest

from runner.errors import InputError
from runner.loading.documents import Problems, read_document, read_text
from runner.loading.inside import offset_in_source
from runner.loading.limits import INVENTORY, Limits
from runner.location import Location

TEXT = """\
version: 1
vars: {app: /srv/app, "odd key": 'it''s'}
steps:
  - shell: |
      echo one
      echo {{ two }}
  - log: "a\\tb {{ c }}"
    env: &env {A: 1.10}
  - env: *env
  - log: plain
      text {{ here }}
  - log: >-
      folded

      text {{ there }}
"""


@pytest.fixture
def document():
    problems = Problems()
    document = read_text(TEXT, "site.yaml", problems)
    assert not problems.items
    return document


def place(location):
    return location.line, location.column, location.length


def said(problems):
    return [(p.code, p.location.line, p.location.column) for p in problems.in_order()]


def test_every_key_and_value_has_its_place(document):
    """Keys and values stand where they are written, lists by their positions, with the length of what is written."""
    assert place(document.key_at(("version",))) == (1, 1, 7)
    assert place(document.value_at(("version",))) == (1, 10, 1)
    assert place(document.key_at(("vars", "odd key"))) == (2, 23, 9)
    assert place(document.value_at(("vars", "odd key"))) == (2, 34, 7)
    assert place(document.value_at(("vars",))) == (2, 7, 35)
    assert place(document.start_of(("vars",))) == (2, 7, 1)
    assert place(document.value_at(("steps", 1))) == (7, 5, 1)
    assert place(document.key_at(("steps", 1))) == (7, 5, 1)
    assert place(document.value_at(())) == (1, 1, 1)
    assert document.value_at(("version",)) == Location("site.yaml", 1, 10, 1)


@pytest.mark.parametrize("path", [("vars", "nope"), ("vars", "nope", 3), ("vars", 0), ("vars", "nope", "x")])
def test_what_is_not_there_has_the_place_around_it(document, path):
    """The nearest thing that exists answers."""
    assert place(document.value_at(path)) == (2, 7, 35)
    assert place(document.key_at(path)) == (2, 7, 35)


def test_values_are_found_by_their_path(document):
    """None where there is nothing."""
    assert document.at(("steps", 1, "env", "A")) == 1.1
    assert document.at(("steps", 9)) is None
    assert document.at(("version", "x")) is None
    assert document.at(("steps", "x")) is None


def test_source_text_is_kept_for_messages(document):
    """1.10 is the number 1.1, but a message shows what was written."""
    assert document.text_at(("steps", 1, "env", "A")) == "1.10"
    assert document.text_at(("vars", "odd key")) == "'it''s'"
    assert document.text_at(("vars", "app")) == "/srv/app"


def test_an_alias_has_its_own_place_and_the_text_it_stands_for(document):
    """The alias is at its line; what it holds, and its source text, where the anchor is."""
    assert place(document.value_at(("steps", 2, "env"))) == (9, 10, 4)
    assert document.value_at(("steps", 2, "env", "A")).line == 8
    assert document.text_at(("steps", 2, "env")) == "{A: 1.10}"


@pytest.mark.parametrize(
    ("path", "word", "expected"),
    [
        (("vars", "app"), "app", (2, 18)),
        (("vars", "odd key"), "s", (2, 39)),
        (("steps", 0, "shell"), "echo one", (5, 7)),
        (("steps", 0, "shell"), "{{", (6, 12)),
        (("steps", 1, "log"), "{{", (7, 16)),
        (("steps", 3, "log"), "{{", (11, 12)),
        (("steps", 4, "log"), "{{", (15, 12)),
        (("steps", 4, "log"), "folded", (13, 7)),
    ],
)
def test_a_character_inside_a_text_has_its_place(document, path, word, expected):
    """Quotes, escapes, folded lines and indents are reckoned in."""
    offset = document.at(path).index(word)

    assert place(document.inside(path, offset))[:2] == expected


def test_inside_falls_back_to_the_start(document):
    """What is no text, or has no such character, is told at its start or end."""
    assert place(document.inside(("version",), 3))[:2] == (1, 10)
    assert document.inside(("vars", "app"), 99).line == 2


@pytest.mark.parametrize(
    ("raw", "word"),
    [
        (r'"\x41\u0042\U00000043 x"', "x"),
        ('"a\\\n  x"', "x"),
        ('"one\n\n  x"', "x"),
        ("'one\n  two x'", "x"),
        ('"\\\\ \\" x"', "x"),
        ("&anchor 'it''s x'", "x"),
        ("!!str |2  # as it is\n   a\n\n  x", "x"),
    ],
)
def test_inside_finds_words_behind_escapes(raw, word):
    """The place found is that of the word in the source."""
    document = read_text(f"a: {raw}\n", "f", Problems())

    found = document.inside(("a",), document.data["a"].index(word))

    assert document.lines[found.line - 1][found.column - 1] == word


def test_a_value_that_is_not_its_source_has_the_place_of_the_source():
    """Better the start of the value than a wrong place."""
    assert offset_in_source("abc", "xyz", 2) == 0
    assert offset_in_source("'ab", "ab c", 3) == 0
    assert offset_in_source("ab", "ab", 2) == 2


def test_a_file_is_read_with_its_hash_and_its_name(tmp_path):
    """The hash is of the bytes parsed; the name is relative to the current folder where that is above."""
    file = tmp_path / "sub" / "a.yaml"
    file.parent.mkdir()
    file.write_bytes(b"a: 1\n")

    inside = read_document(file, Problems(), cwd=tmp_path)
    outside = read_document(file, Problems(), cwd=tmp_path / "other")

    assert inside.name == "sub/a.yaml"
    assert outside.name == str(file)
    assert inside.sha256 == hashlib.sha256(b"a: 1\n").hexdigest()
    assert inside.lines == ("a: 1", "")
    assert inside.path == file


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        (b"", ("E101", 1, 1)),
        (b"# only a comment\n", ("E101", 1, 1)),
        (b"---\n...\n", ("E101", 1, 1)),
        (b"\xff\xfea\x00", ("E103", 1, 1)),
        (b"\xfe\xff\x00a", ("E103", 1, 1)),
        (b"a: 1\nb: x\x00y\n", ("E104", 2, 5)),
        (b"a: \xe9\n\x00", ("E104", 2, 1)),
        ("a: \u00e9".encode("latin-1"), ("E105", 1, 4)),
        (b"a: 1\n\xc3\xa9b: \xc0\xaf\n", ("E105", 2, 5)),
        (b"a: \xed\xa0\x80\n", ("E105", 1, 4)),
        (b"a: \x07\n", ("E106", 1, 4)),
        (b"a: \x1b[31m\n", ("E106", 1, 4)),
        ("a: \x9b\n".encode(), ("E106", 1, 4)),
        ("a: x\u2028y\n".encode(), ("E108", 1, 5)),
        (b"a: 1\rb: 2\n", ("E109", 1, 5)),
        ("a: 1 # \u202e\n".encode(), ("E110", 1, 8)),
        ("a:\u00a01\n".encode(), ("E113", 1, 3)),
        ("a:\n\u00a0\u00a0b: 1\n".encode(), ("E113", 2, 1)),
        ("a: \uffff\n".encode(), ("E115", 1, 4)),
    ],
)
def test_bytes_that_are_no_good_text_are_refused(tmp_path, data, problem):
    """Each with its place, counted in characters."""
    (tmp_path / "a.yaml").write_bytes(data)
    problems = Problems()

    assert read_document(tmp_path / "a.yaml", problems) is None
    assert said(problems)[0] == problem


def test_control_characters_are_named():
    """U+0007 alone says little."""
    problems = Problems()
    read_text("a: \x07\n", "f", problems)

    assert problems.items[0].message == "U+0007 BEL can't stand in a file"


def test_every_refused_character_is_told():
    """Not only the first."""
    problems = Problems()
    read_text("a: \x07\nb: \u202e\n", "f", problems)

    assert said(problems) == [("E106", 1, 4), ("E110", 2, 4)]
    assert problems.items[1].hint == 'write it as an escape: "\\u202e"'
    assert unicodedata.name("\u202e") in problems.items[1].message


def test_a_byte_order_mark_is_a_warning(tmp_path):
    """The file is read."""
    (tmp_path / "a.yaml").write_bytes(b"\xef\xbb\xbfa: 1\n")
    problems = Problems()

    assert read_document(tmp_path / "a.yaml", problems).data == {"a": 1}
    assert [p.code for p in problems.items] == ["W102"]
    assert not problems.has_errors


def test_only_regular_files_are_read_and_none_is_waited_for(tmp_path):
    """Folders, pipes, sockets and devices are refused at once."""
    os.mkfifo(tmp_path / "pipe")
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(tmp_path / "sock"))
        problems = Problems()
        for path in (tmp_path, tmp_path / "pipe", tmp_path / "sock", tmp_path.__class__("/dev/null")):
            assert read_document(path, problems) is None

    assert [p.code for p in problems.items] == ["E119"] * 4


def test_a_file_that_cannot_be_read_says_why(tmp_path):
    """Missing, a link to nothing, and refused are told apart."""
    (tmp_path / "link").symlink_to("nowhere")
    problems = Problems()

    for name in ("missing", "link", "x" * 300, "zero\x00byte"):
        assert read_document(tmp_path / name, problems, what="inventory") is None

    assert [p.code for p in problems.items] == ["E116", "E118", "E117", "E117"]
    assert problems.items[0].message == "there is no such inventory file"


def test_a_link_to_a_file_is_followed(tmp_path):
    """It is the usual way to name the current one."""
    (tmp_path / "a.yaml").write_text("a: 1\n")
    (tmp_path / "link").symlink_to("a.yaml")

    assert read_document(tmp_path / "link", Problems()).data == {"a": 1}


def test_a_file_over_the_size_limit_is_not_parsed(tmp_path):
    """The limit stands in the message; inventories have one of their own."""
    (tmp_path / "a.yaml").write_text("a: 123456789\n")
    problems = Problems()

    assert read_document(tmp_path / "a.yaml", problems, limits=Limits(size=10)) is None
    assert problems.items[0].code == "E120"
    assert problems.items[0].message == "the file has 13 bytes; the limit is 10"
    assert INVENTORY.nodes > Limits().nodes


def test_all_problems_are_raised_together_in_file_and_line_order():
    """Equal ones once, warnings too, and the source lines with them."""
    problems = Problems()
    read_text("b: 1\nb: 2\na: NO\n", "one.yaml", problems)
    problems.error("E1", "later", Location("one.yaml", 1, 1))
    problems.error("E1", "later", Location("one.yaml", 1, 1))
    problems.error("E2", "nowhere")

    with pytest.raises(InputError) as caught:
        problems.raise_if_errors()

    assert [p.code for p in caught.value.problems] == ["E1", "E309", "W301", "E2"]
    assert caught.value.sources == {"one.yaml": ("b: 1", "b: 2", "a: NO", "")}


def test_warnings_alone_are_no_failure():
    """They are there to be shown."""
    problems = Problems()
    problems.warning("W1", "hm")

    problems.raise_if_errors()

    assert [p.severity for p in problems.in_order()] == ["warning"]


def test_a_file_shows_fifty_problems_and_counts_the_rest():
    """Errors come before warnings where not all can be shown."""
    problems = Problems()
    for line in range(1, 41):
        problems.warning("W1", "warned", Location("a", line))
    for line in range(41, 71):
        problems.error("E1", "wrong", Location("a", line))
    problems.error("E2", "other file", Location("b", 1))

    shown = problems.in_order()

    assert [p.code for p in shown].count("E1") == 30
    assert [p.code for p in shown].count("W1") == 20
    assert (shown[50].code, shown[50].message) == ("W100", "20 more problems in this file")
    assert shown[51].code == "E2"


def test_a_guess_is_silent_where_something_worse_is_wrong():
    """`sensitive: yes` is an error already; that YAML 1.1 reads it differently adds nothing."""
    problems = Problems()
    problems.warning("W301", "a boolean to others", Location("a", 1, 5))
    problems.error("E308", "write true", Location("a", 1, 5))

    assert [p.code for p in problems.in_order()] == ["E308"]
    assert problems.has_error_at(Location("a", 1, 5, 9))
    assert not problems.has_error_at(Location("a", 1, 6))
