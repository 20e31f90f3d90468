"""Inputs at the command line: listed, given, kept with the run."""

from commandline import project, runner

HOSTS = "hosts: {web1: {connection: demo}}\n"
SITE = """\
version: 1
hosts: all
inventory: hosts.yaml
inputs:
  release: {type: string, help: the release to deploy}
  drain: {type: duration, default: 10s}
secrets: {token: {env: TOKEN}}
steps:
  - {log: "{{ release }} {{ inputs.release }} {{ drain }}", register: said}
"""


def test_help_inputs_lists_them_and_contacts_nothing(tmp_path):
    """Without an inventory, and although one is missing; it ends well."""
    site = project(tmp_path, SITE, "")

    for command in ("run", "plan", "simulate"):
        done = runner(command, site, "--help-inputs", cwd=tmp_path)

        assert done.code == 0
        assert "release  string    required" in done.out
        assert "the release to deploy" in done.out
        assert "drain    duration  default 10s" in done.out
        assert not done.runs.exists()


def test_a_missing_input_stops_before_anything_starts(tmp_path):
    """The message says what to write."""
    done = runner("run", project(tmp_path, SITE, HOSTS), cwd=tmp_path, TOKEN="t")

    assert done.code == 2
    assert 'no value for the input "release" (string: the release to deploy) [E511]' in done.err
    assert "hint: write -e release=…" in done.err
    assert not done.runs.exists()


def test_a_run_has_its_inputs_in_steps_and_records(tmp_path):
    """Bare and under ``inputs``; in the first record, where a secret that got among them is masked."""
    site = project(tmp_path, SITE, HOSTS)

    done = runner("run", site, "-e", "release=1.10 geheim!", "--output", "plain", cwd=tmp_path, TOKEN="geheim!")

    assert done.code == 0
    assert done.events("run.started")[0]["inputs"] == {"release": "1.10 ***", "drain": 10}
    assert "1.10 *** 1.10 *** 10" in (done.folder / "events.jsonl").read_text()
