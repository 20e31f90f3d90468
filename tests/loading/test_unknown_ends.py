"""What a step may say of the case that nobody hears how it ended, and what a playbook says of its lock."""

import json

import pytest
from playbook_checks import said
from playbook_text import complaints, play_of, read

from runner.cli.plan import command as plan
from runner.loading.project import load
from runner.model.template import Template


def test_a_step_says_what_may_be_done_where_its_end_is_unknown():
    """Words to ask with may be templates; where nothing is said the kind decides, and the run stops there."""
    (plain, told) = play_of(
        "steps: [{command: a}, {command: b, idempotent: false, on_unknown: rerun, on_disconnect: kill,"
        " verify: [test, -e, '/srv/{{ host.name }}', 3]}]\n"
    ).steps

    assert (plain.idempotent, plain.on_unknown, plain.verify, plain.on_disconnect) == (None, "stop", (), "finish")
    assert (told.idempotent, told.on_unknown, told.on_disconnect) == (False, "rerun", "kill")
    assert told.verify[:2] == ("test", "-e")
    assert isinstance(told.verify[2], Template)
    assert told.verify[3] == 3


@pytest.mark.parametrize("step", ["log: a", "set: {b: c}", "assert: {that: true}", "pause: 1s", "approve: a", "ping: "])
@pytest.mark.parametrize(
    ("key", "value", "hint"),
    [
        ("idempotent", "true", "its end is always known: leave it out"),
        ("on_unknown", "rerun", "its end is always known: leave it out"),
        ("verify", "[a]", "its end is always known: leave it out"),
        ("on_disconnect", "kill", "leave it out"),
    ],
)
def test_a_step_that_runs_nothing_on_a_host_can_say_none_of_it(step, key, value, hint):
    """Its end is always known."""
    ((code, _, _, message, found),) = complaints(f"steps: [{{{step}, {key}: {value}}}]\n")

    kind = step.partition(":")[0]
    assert (code, message, found) == (
        "E406",
        f'"{key}" has no meaning for `{kind}`, which runs nothing on a host',
        hint,
    )


def test_a_request_of_the_controller_goes_on_without_it_for_nobody():
    """But its end may stay unheard, so the rest may be said of it."""
    request = "http: {url: http://a/, from: controller, method: POST}"
    ((code, _, _, message, _),) = complaints(f"steps: [{{{request}, on_disconnect: kill}}]\n")

    assert (code, message) == ("E406", '"on_disconnect" has no meaning for `http`, which runs nothing on a host')
    assert complaints(f"steps: [{{{request}, on_unknown: rerun, verify: [a]}}]\n") == []


@pytest.mark.parametrize(
    ("step", "why", "hint"),
    [
        ("command: a, idempotent: true", "idempotent: true", "leave one of them out"),
        ("command: a, read_only: true", "read_only: true", "leave it out: what changes nothing is run again"),
        (
            "file: {path: /a, state: absent}",
            "`file`, which may run twice",
            "leave it out, or write idempotent: false",
        ),
    ],
)
def test_what_is_never_asked_is_warned_of(step, why, hint):
    """A step that may run twice is run again, whatever ``on_unknown`` says."""
    _, problems = read(f"version: 1\nhosts: all\nsteps: [{{{step}, on_unknown: skip}}]\n")

    ((found),) = problems.items
    assert (found.severity, found.code, found.hint) == ("warning", "W432", hint)
    assert found.message == f'"on_unknown" has no effect beside {why}'


def test_what_may_not_run_twice_may_be_skipped():
    """Where a kind may run twice, but this step may not."""
    assert complaints("steps: [{file: {path: /a, state: absent}, idempotent: false, on_unknown: skip}]\n") == []


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("verify: test -e /a", "expected a list of words: a program and its arguments"),
        ("verify: []", "is empty; expected a list of words"),
        ("on_unknown: again", "expected stop, rerun or skip"),
        ("idempotent: maybe", "expected true or false"),
        ("on_disconnect: stop", "expected finish or kill"),
    ],
)
def test_another_value_is_refused_with_those_that_count(text, message):
    """At its place."""
    (found,) = complaints(f"steps: [{{command: a, {text}}}]\n")

    assert message in f"{found[3]} {found[4]}"


def test_a_secret_is_no_word_to_ask_with(tmp_path):
    """Every user of the host could read it; a name that is not there is undefined as everywhere."""
    (secret, undefined) = said(
        tmp_path,
        "secrets: {token: {env: TOKEN}}\nhosts: all\nsteps:\n"
        "- {command: a, verify: [b, '{{ secrets.token }}']}\n- {command: a, verify: [b, '{{ nobody }}']}\n",
    )

    assert "a secret in `verify` can be read by every user of the host [E415]" in secret
    assert '"nobody" is undefined [E407]' in undefined


def test_a_playbook_locks_its_hosts_where_it_or_one_that_it_includes_says_so(tmp_path, monkeypatch):
    """Else the controller alone is locked."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "inner.yaml").write_text("version: 1\nlock: hosts\nhosts: all\nsteps: [{command: a}]\n")
    head = "version: 1\ninventory: {hosts: {a1: }}\n"
    locks = []
    for text in (
        "hosts: all\nsteps: [{command: a}]\n",
        "lock: hosts\nhosts: all\nsteps: [{command: a}]\n",
        "plays: [{include: inner.yaml}]\n",
    ):
        (tmp_path / "site.yaml").write_text(head + text)
        locks.append(load(tmp_path / "site.yaml", cwd=tmp_path).playbook.lock)

    assert locks == ["controller", "hosts", "hosts"]


def test_a_plan_shows_all_of_it(tmp_path, monkeypatch, capsys):
    """To people where it is not what it always is, and to programs; what a sensitive step asks with is hidden."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "site.yaml").write_text(
        "version: 1\ninventory: {hosts: {a1: }}\nlock: hosts\nhosts: all\nsteps:\n"
        "- {command: a, idempotent: true, on_disconnect: kill, verify: [b, '{{ host.name }}']}\n"
        "- {command: c, on_unknown: rerun, sensitive: true, verify: [s3cr3t]}\n"
    )

    plan.main(["site.yaml"], standalone_mode=False)
    text = capsys.readouterr().out
    plan.main(["site.yaml", "--format", "json"], standalone_mode=False)
    data = json.loads(capsys.readouterr().out)

    assert "  lock         on the controller, and on every host (lock: hosts)" in text
    for line in ("idempotent: true", "on_disconnect: kill", 'verify: [b, "{{ host.name }}"]', "on_unknown: rerun"):
        assert f"         {line}\n" in text
    assert "s3cr3t" not in text
    first, second = data["plays"][0]["steps"]
    assert (data["lock"], data["version"]) == ("hosts", "1.2")
    assert (first["idempotent"], first["on_disconnect"], first["verify"]) == (True, "kill", ["b", "{{ host.name }}"])
    assert (second["idempotent"], second["on_unknown"], second["verify"]) == (None, "rerun", ["***"])
