"""Whatever stands in a file or on the command line, the answer is a result or an error of ours, soon.

Sound inputs are damaged at random, and bytes are made up. An ordinary run tries a few of each, the same every time;
with ``-m long`` many are tried, and others each time.
"""

import contextlib
import os
import time
from datetime import UTC, datetime
from pathlib import Path

import click
import pytest
from bad_input_state import MADE, SITE
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from journals import folder_with, lines_of

from runner.app.plans import make_plan
from runner.app.saved_plans import look_at
from runner.app.saving import save
from runner.app.settings import Settings
from runner.cli.main import cli
from runner.errors import InputError, JournalError, LockError, MismatchError
from runner.journal import verify
from runner.journal.recovering import recover
from runner.known_hosts import KnownHosts
from runner.loading.faults import wanted
from runner.loading.project import load

HOSTS = """\
vars: {region: eu}
ssh: {user: deploy, port: 22, jump: none}
hosts:
  web[01-12]: {vars: {rack: "{{ 'a' if host.index is odd else 'b' }}"}}
  db1: {address: 10.0.0.5, ssh: {port: 2222}}
groups:
  web: {hosts: ["web[01-12]"], vars: {role: web}}
  all_of_them: {groups: [web], hosts: [db1]}
"""
PLAYBOOK = """\
version: 1
name: &n deploy the web tier
inventory: hosts.yaml
vars_files: [vars.yaml]
inputs:
  release: {type: string, pattern: '^\\d+$', default: "1"}
plays:
  - name: web
    hosts: web:!web[03-04]
    strategy: {type: rolling, waves: [1, 25%, rest], max_failures: 1}
    steps:
      - command: [echo, "{{ release }}", *n]
        retry: {attempts: 3, delay: 2s}
        idempotent: true
        register: out
      - shell: |
          echo {{ app }}
          exit 0
        when: out.rc == 0 and host.index > 1
      - copy: {content: "{{ out.stdout }}", dest: /srv/x, mode: "0644"}
"""
FAULTS = "faults:\n- fail: 'web01:command@2'\n- takes: {step: shell, duration: 40s}\nchance: 5%\nseed: 7\ndeny: true\n"
KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGrTwVSrZTnrMlJRBbnBsvBULIy1OVXnMFjYVvlVyJBh"
KNOWN_HOSTS = f"web1,10.0.0.1 {KEY}\n[db1]:2222 {KEY} note\n@revoked *.example.com,!a.example.com {KEY}\n"
HASHED = f"|1|F1E1KeoE/eEWhi10WpGv4OdiO6Y=|3988QV0VE8wmZL7suNrYQLITLCg= {KEY}\n"
TOKENS = [
    *(b"\x00", b"\xff", b"\xc3", b"\xe2\x80\xae", b"\xed\xa0\x80", b"\xef\xbb\xbf", b"\x1b[31m", b"\r", b"\t", b"\n"),
    *(
        b"{{",
        b"}}",
        b"{%",
        b"%}",
        b"{#",
        b"[",
        b"]",
        b"{",
        b"}",
        b": ",
        b"- ",
        b"&a ",
        b"*a",
        b"!!int ",
        b"<<: ",
        b"? ",
    ),
    *(b"'", b'"', b"\\", b"|", b">", b"#", b"---\n", b"...\n", b"%YAML 2.0\n", b"@", b"`", b"~", b"null", b"true"),
    *(b"0" * 400, b"9" * 5000, b"1e999", b"-1", b"0x", b".nan", b"1_0", b"[1-99999999999]", b"[3-1]", b"[[", b"*?*?*"),
    *(b"a" * 300, b" " * 70, b"[" * 200, b"NaN", b'"\\ud800"', b"${", b"; rm", b"../../", b"/", b"-oProxyCommand=x"),
    *(b"{{ 9**9**9 }}", b"{{ 'a' * 10**9 }}", b"{{ [].__class__ }}", b"{{ 1/0 }}", b"(a+)+$", b"999999999999999999d"),
]
EDITS = st.lists(
    st.tuples(st.floats(0, 1), st.integers(0, 6), st.sampled_from(TOKENS) | st.binary(max_size=4)),
    min_size=1,
    max_size=4,
)


def damaged(data, edits):
    """Some bytes taken out of data, and others put in their places."""
    for where, count, new in edits:
        at = int(where * len(data))
        data = data[:at] + new + data[at + count :]
    return data


def kinds():
    """What can be fed, each with what it begins as, and how it is read."""
    return {
        "playbook": (PLAYBOOK.encode(), _playbook),
        "inventory": (HOSTS.encode(), _inventory),
        "vars": (b"app: /srv/app\nlist: [1, 2.5, {a: b}]\ntext: >-\n  folded\n  text\n", _vars),
        "faults": (FAULTS.encode(), _faults),
        "known_hosts": ((KNOWN_HOSTS + HASHED).encode(), _known_hosts),
        "journal": (b"".join(lines_of()), _journal),
    }


def _playbook(data, folder):
    (folder / "site.yaml").write_bytes(data)
    _load(folder)


def _inventory(data, folder):
    (folder / "hosts.yaml").write_bytes(data)
    _load(folder)


def _vars(data, folder):
    (folder / "vars.yaml").write_bytes(data)
    _load(folder)


def _load(folder):
    _placed(lambda: load(Path("site.yaml"), sets=("@vars.yaml",), cwd=folder, may_miss=True))


def _faults(data, folder):
    (folder / "faults.yaml").write_bytes(data)
    _placed(lambda: wanted({}, file=Path("faults.yaml"), cwd=folder, chance=None, deny=False))


def _placed(read):
    """Each problem has a place, and that is in the file."""
    try:
        read()
    except InputError as error:
        problems, sources = error.problems, error.sources
    else:
        return
    assert problems
    for problem in problems:
        assert problem.message
        assert problem.code
        assert 1 <= problem.location.line <= max(len(sources.get(problem.location.file, ())), 1)


def _known_hosts(data, _folder):
    known = KnownHosts()
    known.read(data.decode("utf-8", "surrogateescape"), "known_hosts")
    for name in ("web1", "db1", "a.example.com", "x" * 250, "|1|"):
        known.lookup(name, 22)
        known.lookup(name, 2222)
    assert all(bad.line >= 1 and bad.why for bad in known.bad)


def _journal(data, folder):
    run = folder_with(folder / "runs", data)
    for read in (lambda: verify(run.path / "events.jsonl"), lambda: os.close(recover(run, lambda *_: None).descriptor)):
        with contextlib.suppress(JournalError, MismatchError):
            read()


@pytest.fixture
def project(tmp_path, monkeypatch):
    """A sound project with files of every kind."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    for name, text in {"site.yaml": PLAYBOOK, "hosts.yaml": HOSTS, "vars.yaml": "app: x\n"}.items():
        (tmp_path / name).write_text(text)
    return tmp_path


def tried(name, data, project):
    """Read it, in a second of processor time."""
    sound, read = kinds()[name]
    before = time.process_time()
    read(data, project)
    taken = time.process_time() - before
    files = {"playbook": "site.yaml", "inventory": "hosts.yaml", "vars": "vars.yaml"}
    if name in files:
        (project / files[name]).write_bytes(sound)
    assert taken < 1


def quick(count):
    """The same examples in every run."""
    return settings(max_examples=count, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)


LONG = settings(max_examples=600, deadline=None, suppress_health_check=list(HealthCheck))
NAMES = ["playbook", "inventory", "vars", "faults", "known_hosts", "journal"]


@pytest.mark.parametrize("name", NAMES)
@quick(150)
@given(edits=EDITS)
def test_a_damaged_file_is_read_or_refused(project, name, edits):
    """No trace, no problem without a place, nothing that takes a second."""
    tried(name, damaged(kinds()[name][0], edits), project)


@pytest.mark.parametrize("name", NAMES)
@quick(25)
@given(data=st.binary(max_size=200) | st.text(max_size=200).map(lambda text: text.encode("utf-8", "replace")))
def test_made_up_bytes_are_read_or_refused(project, name, data):
    """The same of what nobody would take for such a file."""
    tried(name, data, project)


@pytest.mark.long
@pytest.mark.parametrize("name", NAMES)
@LONG
@given(edits=EDITS)
def test_many_damaged_files_are_read_or_refused(project, name, edits):
    """The same, with examples that nobody chose."""
    tried(name, damaged(kinds()[name][0], edits), project)


@pytest.fixture
def plan(project):
    """A saved plan that is sound, and the project it is of."""
    (project / "site.yaml").write_text(SITE)
    save(make_plan(MADE), MADE, Path("plan.json"), expires=None, now=datetime.now(UTC))
    return (project / "plan.json").read_bytes()


@quick(80)
@given(edits=EDITS)
def test_a_damaged_plan_is_refused(project, plan, edits):
    """Not one of them is run, unless the damage is none."""
    data = damaged(plan, edits)
    (project / "plan.json").write_bytes(data)

    with contextlib.suppress(InputError, MismatchError):
        standing = look_at(Settings(playbook=Path("plan.json")), now=datetime.now(UTC))
        assert standing.problems or data == plan


WORDS = st.sampled_from(
    [
        *("site.yaml", "hosts.yaml", "nope", "", "-", "--", "-x", "/", "..", "web*", "@site.yaml", "@/", "@", "a=b"),
        *("release=x", "release=1", "=", "web[1-99999999999]", "web[", "0", "-1", "1e9", "5s", "99999999999999999999d"),
        *("\udcff", "all:!web", "not and", "(" * 300, "{{ x }}", "main=web01", "last", "\u202e", "x" * 5000, "10%"),
        *("web01:command@9", "command=1e300", "2026", "../..", "r1"),
    ]
)
OPTIONS = st.sampled_from(
    [
        *("-i", "-l", "-x", "-e", "-j", "-t", "--skip-tags", "--start-at", "--timeout", "--seed", "-k", "--format"),
        *("--host", "--all-hosts", "--against", "--fail", "--unreachable", "--takes", "--chance", "--faults"),
        *("--exit-policy", "--fold"),
    ]
)
COMMANDS = st.sampled_from(
    [
        *(["validate"], ["plan"], ["simulate"], ["inventory", "list"], ["inventory", "show"], ["inventory", "explain"]),
        *(
            ["runs", "show"],
            ["runs", "verify"],
            ["runs", "compare"],
            ["resume"],
            ["rerun"],
            ["steps"],
            ["lock", "status"],
        ),
    ]
)
OURS = (click.ClickException, click.exceptions.Exit, InputError, JournalError, MismatchError, LockError)
LINES = st.tuples(COMMANDS, st.lists(WORDS | OPTIONS, max_size=5)).map(lambda parts: [*parts[0], *parts[1]])


def typed(words, project, monkeypatch):
    """Run a command line in this process; only our own errors and click's come out of it."""
    monkeypatch.setenv("RUNNER_RUNS_DIR", str(project / "runs"))
    before = time.process_time()
    with contextlib.suppress(*OURS):
        cli.main(words, prog_name="runner", standalone_mode=False)
    assert time.process_time() - before < 1


@quick(300)
@given(words=LINES)
def test_any_command_line_is_carried_out_or_refused(project, monkeypatch, words):
    """Whatever is typed, in whatever order."""
    typed(words, project, monkeypatch)


@pytest.mark.long
@LONG
@given(words=LINES)
def test_many_command_lines_are_carried_out_or_refused(project, monkeypatch, words):
    """The same, with lines that nobody chose."""
    typed(words, project, monkeypatch)
