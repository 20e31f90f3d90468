"""Problems as text, JSON and workflow commands."""

import json

from runner.location import Location, Problem
from runner.reporting import problems

UNKNOWN = Problem("E401", 'unknown key "timout"', Location("site.yaml", 12, 7, 6), 'did you mean "timeout"?')
LINES = ("",) * 11 + ("      timout: 30s",)


def test_a_problem_shows_place_line_caret_and_hint():
    """The form is the one that editors jump to."""
    assert problems.text([UNKNOWN], {"site.yaml": LINES}) == (
        'site.yaml:12:7: error: unknown key "timout" [E401]\n'
        "   12 |       timout: 30s\n"
        "      |       ^^^^^^\n"
        'hint: did you mean "timeout"?\n'
    )


def test_a_warning_says_so_and_no_problem_is_no_text():
    """Severity stands before the message; an empty list is empty text."""
    warning = Problem("W102", "a mark", Location("a.yaml", 1), severity="warning")

    assert problems.text([warning], {}) == "a.yaml:1:1: warning: a mark [W102]\n"
    assert problems.text([], {}) == ""


def test_a_problem_without_a_place_is_one_line():
    """What stands in no file is told without one."""
    assert problems.text([Problem("E509", "-e has no value")], {}) == "error: -e has no value [E509]\n"


def test_nothing_in_a_file_reaches_the_terminal_raw():
    """Escape sequences in names, messages, hints and source lines are spelt out."""
    evil = Problem("E106", "\x1b[31mred", Location("\x1b]0;x.yaml", 1, 3), "\x07")

    told = problems.text([evil], {"\x1b]0;x.yaml": ("a\x1b[2J",)})

    assert "\x1b" not in told
    assert "\x07" not in told
    assert "    1 | a\\e[2J\n" in told


def test_carets_stand_under_what_they_mean():
    """Tabs, wide letters and spelt out characters before the place do not move the caret."""
    tab = problems.text([Problem("E1", "m", Location("f", 1, 2, 1))], {"f": ("\tx",)})
    wide = problems.text([Problem("E1", "m", Location("f", 1, 3, 2))], {"f": ("世a界\uff21",)})
    spelt = problems.text([Problem("E1", "m", Location("f", 1, 2, 1))], {"f": ("\x1bx",)})
    combined = problems.text([Problem("E1", "m", Location("f", 1, 3, 1))], {"f": ("e\u0301x",)})

    assert tab.splitlines()[2] == "      | \t^"
    assert wide.splitlines()[2] == "      |    ^^^^"
    assert spelt.splitlines()[2] == "      |   ^"
    assert combined.splitlines()[2] == "      |  ^"


def test_a_long_line_is_cut_around_the_place():
    """120 characters are shown, with the marked ones among them."""
    line = "x" * 500 + "HERE" + "y" * 500

    told = problems.text([Problem("E1", "m", Location("f", 1, 501, 4))], {"f": (line,)}).splitlines()

    assert told[1].startswith("    1 | …xxx")
    assert told[1].endswith("y…")
    assert len(told[1]) == len("    1 | ") + 120 + 2
    assert told[1].index("HERE") == told[2].index("^^^^")


def test_carets_end_with_the_shown_part():
    """A mark longer than what is shown is cut with it."""
    told = problems.text([Problem("E1", "m", Location("f", 1, 1, 400))], {"f": ("z" * 400,)}).splitlines()

    assert told[1] == "    1 | " + "z" * 120 + "…"
    assert told[2] == "      | " + "^" * 120


def test_a_place_beyond_the_file_shows_no_line():
    """The end of a file can be a place, without a line to show."""
    told = problems.text([Problem("E1", "m", Location("f", 3))], {"f": ("a",)})

    assert told == "f:3:1: error: m [E1]\n"


def test_json_gives_the_same_as_records():
    """Programs get every field, null where there is no place."""
    told = json.loads(problems.as_json([UNKNOWN, Problem("E509", "no value")]))

    assert told == [
        {
            "code": "E401",
            "severity": "error",
            "message": 'unknown key "timout"',
            "hint": 'did you mean "timeout"?',
            "file": "site.yaml",
            "line": 12,
            "column": 7,
            "length": 6,
        },
        {
            "code": "E509",
            "severity": "error",
            "message": "no value",
            "hint": "",
            "file": None,
            "line": None,
            "column": None,
            "length": None,
        },
    ]


def test_json_is_ascii():
    """Whatever stands in a file, the JSON can be printed on a terminal."""
    assert problems.as_json([Problem("E1", "\x1b\u202e\u00e9")]).isascii()


def test_github_commands_escape_what_would_end_them():
    """Percent signs, line feeds, colons and commas stand in the values only as escapes."""
    problem = Problem("E1", "50%\nof all", Location("a,b:c.yaml", 2, 3, 4), "x: y", "warning")

    assert problems.github([problem]) == (
        "::warning file=a%2Cb%3Ac.yaml,line=2,col=3,endColumn=6,title=E1::50%25%0Aof all%0Ahint: x: y\n"
    )


def test_a_github_command_without_a_place_has_a_title_alone():
    """It is then shown for the whole job."""
    assert problems.github([Problem("E509", "no value")]) == "::error title=E509::no value\n"
