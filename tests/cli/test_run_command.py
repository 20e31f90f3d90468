"""The command line of a run: what it refuses before anything is contacted, and which exit status stands."""

from pathlib import Path

import pytest
from commandline import project, runner

ENDS = """
version: 1
inventory: hosts.yaml
hosts: all
steps: [{shell: "{{ ends[host.name] }}"}]
vars: {ends: {h1: "exit 0", h2: "exit 3", h3: "kill -SEGV $$"}}
"""
HOSTS = "connection: local\nhosts: {h1: {}, h2: {}, h3: {}}\n"


@pytest.mark.parametrize(
    ("policy", "code"),
    [("any", 1), ("all", 0), ("main=h1", 0), ("main=h3", 139), ("main-any=h1", 1), ("worst", 139)],
)
def test_the_exit_policy_decides_between_0_and_1(tmp_path: Path, policy: str, code: int) -> None:
    """Codes 0, 3 and 139 on three hosts, under every policy."""
    project(tmp_path, ENDS, HOSTS)

    assert runner("run", "site.yaml", "--exit-policy", policy, cwd=tmp_path).code == code


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--exit-policy", "bogus"), 'there is no policy "bogus"'),
        (("--exit-policy", "main=h4"), 'no play runs on a host "h4"'),
        (("--line", "{host}"), "--output stream"),
        (("--limit", "h1:h9"), '"h9"'),
        (("--timeout", "5 minutes"), "5 minutes"),
        (("--log-file", "no/such/folder/log"), "cannot write the log"),
        (("-e", "nope=1"), "nope"),
        (("-j", "0"), "a count from 1"),
    ],
)
def test_wrong_options_are_refused_before_anything_runs(tmp_path: Path, words: tuple[str, ...], said: str) -> None:
    """Exit status 2, words that say what is wrong, and no run."""
    project(tmp_path, ENDS, HOSTS)

    done = runner("run", "site.yaml", *words, cwd=tmp_path)

    assert (done.code, done.ran) == (2, False)
    assert said in done.err


@pytest.mark.parametrize("hosts", ["al", "[h1, 'h[3-']", "h1:!nope", "'x*'"])
def test_validate_finds_hosts_that_mean_nothing(tmp_path: Path, hosts: str) -> None:
    """A pattern that names nothing is found without a plan or a run, at its place."""
    project(tmp_path, f"version: 1\ninventory: hosts.yaml\nhosts: {hosts}\nsteps: [{{command: uptime}}]\n", HOSTS)

    done = runner("validate", "site.yaml", cwd=tmp_path)

    assert done.code == 2
    assert done.err.startswith("site.yaml:3:")


@pytest.mark.parametrize(("name", "hint"), [("host.adress", "address"), ("play.nam", "name"), ("wave.indx", "index")])
def test_validate_finds_parts_that_fixed_names_do_not_have(tmp_path: Path, name: str, hint: str) -> None:
    """What every host has is known before any is contacted."""
    play = f'version: 1\ninventory: hosts.yaml\nhosts: all\nsteps: [{{log: "it is {{{{ {name} }}}}"}}]\n'
    project(tmp_path, play, HOSTS)

    done = runner("validate", "site.yaml", cwd=tmp_path)

    assert done.code == 2
    assert f'"{name}" is undefined' in done.err
    assert hint in done.err


def test_hosts_that_share_a_file_system_can_write_the_same_file(tmp_path: Path) -> None:
    """Eight hosts copy to one path at the same time: none of them takes another's temporary file away."""
    play = f"""
version: 1
inventory: hosts.yaml
hosts: all
steps:
  - file: {{path: {tmp_path}/out, state: directory}}
  - copy: {{content: "the same\\n", dest: {tmp_path}/out/file}}
"""
    project(tmp_path, play, "connection: local\nhosts: {'h[1-8]': {}}\n")

    done = runner("run", "site.yaml", cwd=tmp_path)

    assert done.code == 0, done.out
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["file"]


def test_the_events_on_standard_output_are_the_journal(tmp_path: Path) -> None:
    """Under --output json standard output is the journal, byte for byte, and the summary is on standard error."""
    project(tmp_path, ENDS, HOSTS)

    done = runner("run", "site.yaml", "--output", "json", cwd=tmp_path)

    assert done.out == (done.folder / "events.jsonl").read_text()
    assert "failures" in done.err
