"""``command``: an argument list that no shell looks at."""

import asyncio

import pytest
from local_target import LocalTarget, complaints_of, do

from runner.argv import NotWords, split
from runner.errors import StepError
from runner.location import Location
from runner.model.outcome import Captured, Status
from runner.model.template import Template
from runner.running import ending
from runner.steps.command import STEP, check, spell_out
from runner.transport import CommandResult

HERE = Location("play.yaml", 3)


def test_every_word_arrives_as_it_is_written(target: LocalTarget) -> None:
    """Blanks, quotes, dollars, stars, line breaks and numbers mean nothing special."""
    words = ["a b", "it's", '"q"', "$HOME", "*", "", "-n", "x\ny", "ünï", 42]

    outcome = do(STEP, ["printf", "<%s>", *words], target)

    assert outcome.stdout.text == '<a b><it\'s><"q"><$HOME><*><><-n><x\ny><ünï><42>'
    assert (outcome.status, outcome.rc) == (Status.CHANGED, 0)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("uptime -p", ["uptime", "-p"]),
        ("  a\t b\n c ", ["a", "b", "c"]),
        ("a 'b c' \"d 'e' f\"", ["a", "b c", "d 'e' f"]),
        (r"a\ b \' \"", ["a b", "'", '"']),
        (r'"a \"b\" \x \\"', [r'a "b" \x \ '.rstrip()]),
        ("a='b c'd", ["a=b cd"]),
        ("'' \"\"", ["", ""]),
        ("a~b x#y !z {c,d}", ["a~b", "x#y", "!z", "{c,d}"]),
        ("stop {{ name | default('a b') }}.service", ["stop", "{{ name | default('a b') }}.service"]),
        ("echo {{ '}}' }} {{ x }}", ["echo", "{{ '}}' }}", "{{ x }}"]),
        ("'$HOME' '*'", ["$HOME", "*"]),
        ("", []),
    ],
)  # fmt: skip
def test_text_is_split_as_a_shell_would(text: str, words: list[str]) -> None:
    """Quotes keep a word together; a template is part of one word, whatever is in it."""
    assert split(text) == words


@pytest.mark.parametrize(
    "text",
    ["a | b", "a > b", "a < b", "a; b", "a && b", "a &", "$HOME", "`id`", "a*", "a?", "(a)", "[ab]", "~/x", "a #b",
     '"$x"', '"`x`"', "it's", 'a "b', "a\\", "{% if x %}a{% endif %}", "{# c #} | a"],
)  # fmt: skip
def test_what_only_a_shell_understands_is_refused(text: str) -> None:
    """Passing it silently would do something else than was meant."""
    with pytest.raises(NotWords):
        split(text)
    assert complaints_of(STEP, text) == ["E414"]
    assert complaints_of(STEP, {"argv": ["a"], "unless": text}) == ["E414"]
    assert [complaint.code for complaint in check(spell_out(Template(text, HERE)))] == ["E414"]


def test_a_template_is_split_before_it_is_rendered() -> None:
    """So no value can become two words; a lone template may give a whole list."""
    several = spell_out(Template("restart {{ name }} now", HERE))
    lone = spell_out(Template("{{ argv }}", HERE))

    assert several == {"argv": ["restart", Template("{{ name }}", HERE), "now"]}
    assert lone == {"argv": Template("{{ argv }}", HERE)}


def test_rendered_text_meets_the_same_rule(target: LocalTarget) -> None:
    """Text that a lone template gave is split too, and refused where a shell would be needed."""
    fine = asyncio.run(STEP.run(STEP.params(argv="echo 'a b'"), target))
    with pytest.raises(StepError, match="means something to a shell only"):
        asyncio.run(STEP.run(STEP.params(argv="echo a | b"), target))

    assert fine.stdout.text == "a b"


@pytest.mark.parametrize("argv", [[], [""]])
def test_no_program_is_an_error(target: LocalTarget, argv: list[str]) -> None:
    """A rendered list may turn out empty."""
    with pytest.raises(StepError, match="program"):
        do(STEP, argv, target)
    assert target.calls == 0


def test_a_nul_in_an_argument_is_an_error(target: LocalTarget) -> None:
    """No operating system can pass it on."""
    with pytest.raises(StepError, match="NUL"):
        do(STEP, ["echo", "a\0b"], target)


def test_a_bad_exit_status_is_a_failure_in_words(target: LocalTarget) -> None:
    """The status is said, and output is kept."""
    outcome = do(STEP, ["sh", "-c", "echo out; echo err >&2; exit 3"], target)

    assert (outcome.status, outcome.rc, outcome.message) == (Status.FAILED, 3, "exit status 3")
    assert (outcome.stdout.text, outcome.stderr.text) == ("out", "err")


def test_ok_codes_decide_what_is_fine(target: LocalTarget) -> None:
    """Exit statuses and names of signals."""
    target.ok_codes = (0, 3, "TERM")

    assert do(STEP, ["sh", "-c", "exit 3"], target).status is Status.CHANGED
    assert do(STEP, ["sh", "-c", "kill -TERM $$"], target).status is Status.CHANGED
    assert do(STEP, ["sh", "-c", "kill -KILL $$"], target).message == "killed by SIGKILL (maybe out of memory)"


def test_read_only_is_never_changed(target: LocalTarget) -> None:
    """The step says that it changes nothing."""
    target.read_only = True

    assert do(STEP, ["true"], target).status is Status.OK


@pytest.mark.parametrize(
    ("rc", "text"),
    [
        (126, 'exit status 126 ("app" can\'t be run: not executable, or not allowed)'),
        (127, 'exit status 127 ("app" was not found)'),
        (137, "exit status 137 (a process was killed by SIGKILL, maybe out of memory)"),
        (2, "exit status 2"),
    ],
)
def test_known_statuses_are_explained(rc: int, text: str) -> None:
    """What a shell means by them stands beside the number."""
    assert ending(CommandResult(rc), "app") == text


def test_a_missing_program_is_named(target: LocalTarget) -> None:
    """By the word that was not found."""
    assert '"no-such-program" was not found' in do(STEP, ["no-such-program"], target).message


@pytest.mark.parametrize(
    ("guard", "reason"),
    [
        ({"creates": "there it's"}, '"there it\'s" exists'),
        ({"creates": "dangling"}, '"dangling" exists'),
        ({"removes": "nothing"}, '"nothing" does not exist'),
        ({"unless": "test -e 'there it'\"'\"s"}, 'unless: "test -e there it\'s" ended well'),
        ({"only_if": ["test", "-e", "nothing"]}, 'only_if: "test -e nothing" did not end well'),
    ],
)
def test_a_guard_that_holds_skips_the_step(target: LocalTarget, guard: dict[str, str], reason: str) -> None:
    """It says which and why, and the program does not run. Paths start where the program would run."""
    (target.root / "there it's").touch()
    (target.root / "dangling").symlink_to("nowhere")

    outcome = do(STEP, {"argv": ["touch", "ran"], **guard}, target)

    assert (outcome.status, outcome.message) == (Status.SKIPPED, reason)
    assert not (target.root / "ran").exists()


def test_guards_that_do_not_hold_let_it_run_silently(target: LocalTarget) -> None:
    """All are asked in one round trip, and what they print is in no output."""
    (target.root / "there").touch()

    guards = {
        "creates": "ran",
        "removes": "there",
        "unless": ["sh", "-c", "echo no; exit 1"],
        "only_if": ["echo", "yes"],
    }
    outcome = do(STEP, {"argv": ["touch", "ran"], **guards}, target)

    assert (outcome.status, target.calls, outcome.stdout) == (Status.CHANGED, 2, Captured())
    assert (target.root / "ran").exists()


@pytest.mark.parametrize("key", ["unless", "only_if"])
def test_a_guard_that_can_not_be_asked_is_an_error(target: LocalTarget, key: str) -> None:
    """A typo must not decide whether something runs."""
    with pytest.raises(StepError, match=f'{key}: "no-such" was not found'):
        do(STEP, {"argv": ["touch", "ran"], key: ["no-such"]}, target)
    assert not (target.root / "ran").exists()
