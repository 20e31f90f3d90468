"""What is said of bad input: every case of the corpus, to the letter.

The corpus is in ``tests/bad_input``; ``bad_input_cases`` says how a case is written. A new one needs no expectation
at first: ``pytest tests/test_bad_input.py --write-expected`` writes down what is said now, for review in the diff.
"""

import gc
import json
import os
import re
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from bad_input_cases import Case, all_cases, contact, seen, write_anew

from runner.cli.main import main

CASES = all_cases()


def _runs(folder: Path) -> list[Path]:
    return sorted((folder / "runs").glob("[!.]*"))


@contextmanager
def as_it_was() -> Iterator[None]:
    """Standard input, user and collector of garbage are afterwards what they were."""
    stdin, nothing = os.dup(0), os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    try:
        yield
    finally:
        os.dup2(stdin, 0)
        os.close(stdin)
        os.seteuid(os.getuid())
        gc.unfreeze()
        gc.enable()


@pytest.fixture
def tried(tmp_path, monkeypatch, capfd):
    """Try a case in a folder of its own; gives the exit status and what was printed, as the corpus has them."""

    def run(case: Case) -> str:
        for name in ("HOME", "XDG_STATE_HOME", "TMPDIR"):
            folder = tmp_path.parent / f"{tmp_path.name}-{name.lower()}"
            folder.mkdir()
            monkeypatch.setenv(name, str(folder))
        monkeypatch.setattr(tempfile, "tempdir", None)
        monkeypatch.setenv("RUNNER_RUNS_DIR", str(tmp_path / "runs"))
        monkeypatch.setenv("RUNNER_TEST_EMPTY", "")
        monkeypatch.delenv("SSH_AUTH_SOCK", raising=False)
        monkeypatch.chdir(tmp_path)
        monkeypatch.setattr(sys, "argv", ["runner", *(word.replace("BYTES", "\udcff") for word in case.argv)])
        with as_it_was():
            case.make(tmp_path)
            before = _runs(tmp_path)
            if case.is_of_another and os.geteuid() == 0:
                os.seteuid(65534)
            with contact.watch(), pytest.raises(SystemExit) as ended:
                main()
        assert contact.events == []
        assert _runs(tmp_path) == before
        printed = capfd.readouterr()
        return f"exit {ended.value.code}\n{seen(printed.out + printed.err, tmp_path)}"

    return run


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.file.stem}: {case.title}")
def test_bad_input_is_answered_to_the_letter(case, tried, request):
    """The exit status and every line that is printed; no host is contacted, no program started, no run begun."""
    said = tried(case)

    if request.config.getoption("--write-expected"):
        write_anew(case, said)
    else:
        assert said == case.expected, "see the top of this file for how to write it anew"


def test_every_case_has_a_title_of_its_own():
    """Or one of two would be written in place of the other."""
    titles = [(case.file, case.title) for case in CASES]

    assert len(titles) == len(set(titles))


@pytest.mark.parametrize("name", ["types", "syntax"])
def test_json_says_the_same(name, tmp_path, monkeypatch, capfd):
    """A record for each problem, with the code, the place and the words that stand in the text."""
    monkeypatch.chdir(tmp_path)
    for case in [case for case in CASES if case.file.stem == name and case.argv == ["validate", "site.yaml"]]:
        case.make(tmp_path)
        monkeypatch.setattr(sys, "argv", ["runner", "validate", "site.yaml", "--format", "json"])
        with as_it_was(), pytest.raises(SystemExit):
            main()
        records = json.loads(capfd.readouterr().out)
        lines = [line for line in (case.expected or "").splitlines() if CODED.search(line)]

        assert [line_of(record) for record in records] == lines, case.title


CODED = re.compile(r": (?:error|warning): .* \[[EW][0-9]{3}\]$")


def line_of(record: dict[str, str]) -> str:
    """The first line of a problem, as text has it."""
    place = f"{record['file']}:{record['line']}:{record['column']}"
    return f"{place}: {record['severity']}: {record['message']} [{record['code']}]"


def test_a_file_is_opened_once(tmp_path, monkeypatch):
    """What is checked, parsed and hashed are the same bytes, though somebody may change the file meanwhile."""
    monkeypatch.chdir(tmp_path)
    next(case for case in CASES if case.title == "lines that end with CR and LF are fine").make(tmp_path)
    monkeypatch.setattr(sys, "argv", ["runner", "validate", "site.yaml"])

    with as_it_was(), contact.watch(), pytest.raises(SystemExit):
        main()

    names = [Path(name).name for name in contact.opened]
    assert (names.count("site.yaml"), names.count("hosts.yaml")) == (1, 1)
