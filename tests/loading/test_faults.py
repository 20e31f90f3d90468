"""Faults as text and as a file: the same words, each with its place."""

import pytest

from runner.errors import InputError
from runner.loading.faults import wanted
from runner.loading.faults_schema import SCHEMA
from runner.loading.fits import fits
from runner.location import Location
from runner.model.faults import Wanted, Written


def read(tmp_path, text: str = "", **words: tuple[str, ...]) -> Wanted:
    """Faults of options and, where there is text, of a file."""
    file = tmp_path / "faults.yaml"
    if text:
        file.write_text(text)
    return wanted(words, file=file if text else None, cwd=tmp_path, chance=None, deny=False)


def parts(fault: Written) -> tuple[str, str, int | None, float]:
    """Without its places."""
    return fault.hosts, fault.step, fault.attempt, fault.duration


@pytest.mark.parametrize(
    ("kind", "text", "expected"),
    [
        ("fail", "web03:migrate", ("web03", "migrate", None, 0.0)),
        ("fail", "web[01-03],db1:plays.migrate@2", ("web[01-03],db1", "plays.migrate", 2, 0.0)),
        ("fail", "web:!web3:gate", ("web:!web3", "gate", None, 0.0)),
        ("unreachable", "web07", ("web07", "", None, 0.0)),
        ("unreachable", "web:&prod", ("web:&prod", "", None, 0.0)),
        ("unreachable", "web07:restart", ("web07", "restart", None, 0.0)),
        ("lost", "web07:common/restart", ("web07", "common/restart", None, 0.0)),
        ("takes", "restart=40s", ("", "restart", None, 40.0)),
        ("takes", "web07:restart=1.5", ("web07", "restart", None, 1.5)),
    ],
)
def test_text_has_its_parts(tmp_path, kind, text, expected):
    """Hosts before the last colon, the step behind it, then the try or the duration."""
    [fault] = read(tmp_path, **{kind: (text,)}).faults

    assert (fault.kind, *parts(fault)) == (kind, *expected)


@pytest.mark.parametrize("text", ["", ":", "web03", ":migrate", "web03:"])
def test_text_without_a_part_is_refused(tmp_path, text):
    """The form is shown."""
    with pytest.raises(InputError) as caught:
        read(tmp_path, fail=(text,))

    [problem] = caught.value.problems
    assert (problem.code, problem.hint) == ("E619", "write HOST:STEP[@TRY]")


def test_a_part_has_its_place(tmp_path):
    """In an option the line is the number of the argument; in a file it is where the part stands."""
    option = read(tmp_path, fail=("a:b", "web03:migrate@2")).faults[1]
    short, long = read(tmp_path, "- fail: 'web03:migrate'\n- fail: {host: web03, step: migrate, try: 2}\n").faults

    assert (option.hosts_at, option.step_at) == (Location("--fail", 2, 1, 5), Location("--fail", 2, 7, 7))
    assert (short.step_at.line, short.step_at.column) == (1, 16)
    assert (long.hosts_at.line, long.hosts_at.column) == (2, 16)
    assert (option.text, short.text, long.text) == ("web03:migrate@2", "web03:migrate", "web03:migrate@2")


def test_a_file_is_a_list_or_has_one(tmp_path):
    """Beside ``faults`` stand seed, chance and deny."""
    listed = read(tmp_path, "- unreachable: web07\n")
    whole = read(tmp_path, "{faults: [unreachable: web07], seed: 3, chance: 2.5%, deny: true}\n")

    assert [parts(fault) for fault in listed.faults] == [parts(fault) for fault in whole.faults]
    assert (whole.seed, whole.chance, whole.deny) == (3, 0.025, True)


@pytest.mark.parametrize("chance", ["2", "101%", "-1%", "x%"])
def test_a_chance_is_a_percentage(tmp_path, chance):
    """From 0 to 100."""
    with pytest.raises(InputError):
        wanted({}, file=None, cwd=tmp_path, chance=chance, deny=False)


def test_a_missing_file_is_told(tmp_path):
    """With its name."""
    with pytest.raises(InputError) as caught:
        wanted({}, file=tmp_path / "none.yaml", cwd=tmp_path, chance=None, deny=False)

    assert caught.value.problems[0].message == "there is no such faults file"


def test_an_editor_takes_what_runner_takes():
    """The published schema allows both forms, and nothing else."""
    assert fits([{"takes": "restart=40s"}, {"takes": {"step": "restart", "duration": 40}}], SCHEMA)
    assert not fits([{"takes": {"duration": 40}}], SCHEMA)
    assert not fits([{"fail": "a:b", "lost": "a:b"}], SCHEMA)
