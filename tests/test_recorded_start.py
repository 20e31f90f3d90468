"""What the first record of a run keeps for whoever goes on with it."""

import hashlib
import stat
from dataclasses import replace
from pathlib import Path

import pytest
from commandline import project, runner

from runner.app.digests import digests_of
from runner.app.recorded import again, recorded
from runner.app.settings import SHAPING, Settings
from runner.errors import InputError, JournalError
from runner.model.encoding import decode_plan
from runner.model.events import RunStarted
from runner.model.secret_text import SecretText
from runner.redaction import Redactor

PLAYBOOK = """
version: 1
inventory: hosts.yaml
hosts: all
inputs: {release: {type: string, default: "1", help: which}}
vars: {color: blue}
secrets: {key: {env: KEY}}
steps: [{log: "{{ color }} {{ release }}"}, {shell: cat, stdin: "{{ secrets.key }}"}]
"""
HOSTS = "connection: local\nhosts: {h1: , h2: }\n"
TYPED = Settings(
    playbook=Path("site.yaml"),
    inventory=("hosts.yaml",),
    sets=("color=red", "@more.yaml"),
    limit=("h1", "h[2-3]"),
    exclude=("h9",),
    tags=("a and b",),
    skip_tags=("slow",),
    start_at="x",
    concurrency=3,
    timeout="5m",
    connect_timeout="3s",
    seed=7,
    fail_fast=True,
    exit_policy="main=h1",
    batch=True,
    output="quiet",
)


def started(options, **fields):
    """A first record."""
    return RunStarted(
        schema="1.0",
        tool="0",
        mode="run",
        playbook="",
        name="",
        user="",
        controller="",
        pid=1,
        options=options,
        **fields,
    )


def test_the_first_record_tells_how_to_make_the_plan_again(tmp_path):
    """Options, the stored plan's hash, hashes by name of all values, and names of this run and this machine."""
    project(tmp_path, PLAYBOOK, HOSTS)

    done = runner("run", "site.yaml", "-e", "release=2", "-l", "h1", "--seed", "7", cwd=tmp_path, KEY="s3cr3t-value")

    (first,) = done.events("run.started")
    plan = (done.folder / "plan.json").read_bytes()
    assert done.code == 0, done.err
    assert first["plan"] == hashlib.sha256(plan).hexdigest()
    assert (first["options"]["playbook"], first["options"]["limit"], first["options"]["seed"]) == (
        "site.yaml",
        ["h1"],
        7,
    )
    assert first["options"]["sets"] == ["release=2"]
    assert (first["cwd"], len(bytes.fromhex(first["token"])), len(bytes.fromhex(first["salt"]))) == (
        str(tmp_path),
        16,
        16,
    )
    expected = digests_of(decode_plan(plan), {"key": SecretText("s3cr3t-value")}, bytes.fromhex(first["salt"]))
    assert first["digests"] == expected
    assert set(expected) == {"release", "secrets.key"}
    assert first["boot_id"] == Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    assert stat.S_IMODE((done.folder / "events.jsonl").stat().st_mode) == 0o600


def test_a_log_tells_neither_salt_nor_token_nor_hashes(tmp_path):
    """It goes to other places than the private journal."""
    project(tmp_path, PLAYBOOK, HOSTS)

    done = runner("run", "site.yaml", "--log-format", "json", "--log-file", "log", cwd=tmp_path, KEY="s3cr3t-value")

    (first,) = done.events("run.started")
    log = (tmp_path / "log").read_text()
    assert '"run.started"' in log
    assert all(first[name] not in log for name in ("salt", "token"))
    assert "digests" not in log
    assert "seal" not in log


def test_without_syncs_the_record_says_so(tmp_path):
    """Whoever goes on after the machine itself went down must know."""
    project(tmp_path, PLAYBOOK, HOSTS)

    done = runner("run", "site.yaml", "--durability", "relaxed", cwd=tmp_path, KEY="s3cr3t-value")

    assert done.events("run.started")[0]["durability"] == "relaxed"


def test_options_come_back_as_they_were_typed():
    """All that shape the plan; those of whoever looks on are today's."""
    options = recorded(TYPED, Redactor(()), seed=7, max_open=99)
    now = Settings(playbook=Path(), output="plain", yes=True)

    settings = again(started(options), now)

    assert settings == replace(TYPED, output="plain", yes=True, batch=False, max_open=99)
    assert set(options) == {"playbook", "connect_timeout", "exit_policy", "max_open", *SHAPING}


def test_a_concurrency_and_variables_given_now_win():
    """The variables come last, as on one command line."""
    options = recorded(TYPED, Redactor(()), seed=7, max_open=99)

    settings = again(started(options), Settings(playbook=Path(), concurrency=9, sets=("color=green",)))

    assert settings.concurrency == 9
    assert settings.sets == ("color=red", "@more.yaml", "color=green")


def test_a_seed_that_was_drawn_is_kept():
    """So that the order of a shuffle is the same again."""
    options = recorded(replace(TYPED, seed=None), Redactor(()), seed=42, max_open=99)

    assert again(started(options), Settings(playbook=Path())).seed == 42


def test_what_was_a_secrets_value_is_not_kept_and_asked_for_again():
    """By name, with what to type; given again it counts."""
    typed = replace(TYPED, sets=("token=hunter2-secret", "color=red"))
    options = recorded(typed, Redactor(("hunter2-secret",)), seed=7, max_open=99)

    with pytest.raises(InputError) as caught:
        again(started(options), Settings(playbook=Path()))
    settings = again(started(options), Settings(playbook=Path(), sets=("token=other",)))

    assert "hunter2" not in str(options)
    ((problem),) = caught.value.problems
    assert (problem.message, problem.hint) == (
        "the value of -e token was a secret's and was not kept",
        "give it again: -e token=…",
    )
    assert settings.sets == ("color=red", "token=other")


@pytest.mark.parametrize("options", [{}, {"limit": ["a"]}, {"playbook": "a", "limit": 3}])
def test_options_that_are_not_as_they_should_be_end_it(options):
    """A journal may hold anything."""
    with pytest.raises(JournalError, match="not recorded as they should be"):
        again(started(options), Settings(playbook=Path()))


def test_the_hash_of_a_value_tells_a_number_from_a_text_and_from_true():
    """But not one order of keys from another."""

    def digest(value):
        plan = decode_plan(
            b'{"playbook":"","name":"","folder":"","plays":[],"hosts":{},"extra":{"x":%s}}' % value.encode()
        )
        return digests_of(plan, {}, b"salt")["x"]

    assert len({digest("1"), digest("true"), digest('"1"'), digest("1.0")}) == 4
    assert digest('{"a":1,"b":2}') == digest('{"b":2,"a":1}')
