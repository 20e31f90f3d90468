"""Secrets: used on the host, and found nowhere else."""

from pathlib import Path

import pytest
from commandline import project, runner

PLAY = """
version: 1
inventory: hosts.yaml
secrets:
  token: {env: DEPLOY_TOKEN}
  key: {file: key.txt}
  made: {command: [cat, made.txt]}
hosts: one
steps:
  - name: it arrives
    shell: 'printf %s "$TOKEN" | wc -c; echo "$TOKEN"; echo "$TOKEN" | base64; cat; exit 3'
    env: {TOKEN: "{{ secrets.token }}"}
    stdin: "{{ secrets.key }} {{ secrets.made }}"
    register: answer
    on_failure: ignore
  - log: "it said {{ answer.stdout }}"
  - assert: {that: "answer.rc == 0", message: "{{ answer.stdout }}"}
"""


@pytest.mark.parametrize("output", ["plain", "stream", "json", "quiet"])
def test_a_secret_is_in_nothing_that_a_run_leaves_or_shows(tmp_path: Path, output: str) -> None:
    """Not in records, output files, plan, summary, console or log; raw, and in base64 as well."""
    project(tmp_path, PLAY, "connection: local\nhosts: {one: {}}\n")
    (tmp_path / "key.txt").write_text("canary-key\n")
    (tmp_path / "made.txt").write_text("made-by-a-command\n")
    words = ("run", "site.yaml", "--output", output, "--log-output", "--log-format", "json", "--log-file", "log")

    done = runner(*words, cwd=tmp_path, DEPLOY_TOKEN="canary-token-4711")

    left = [path for path in done.folder.rglob("*") if path.is_file()] + [tmp_path / "log"]
    everything = [path.read_text(errors="replace") for path in left] + [done.out, done.err]
    assert done.code == 1
    for form in ("canary-token", "canary-key", "made-by-a-command", "Y2FuYXJ5"):
        assert not any(form in text for text in everything), form
    assert "17\n***\n" in (done.folder / "output/one/it-arrives.1.out").read_text()


def test_a_secret_that_is_missing_is_told_before_anything_is_contacted(tmp_path: Path) -> None:
    """The message names the variable; nothing runs."""
    project(tmp_path, PLAY, "connection: local\nhosts: {one: {}}\n")

    done = runner("run", "site.yaml", cwd=tmp_path)

    assert done.code == 2
    assert '"DEPLOY_TOKEN" is missing or empty' in done.err
    assert "key.txt" in done.err
    assert not done.ran
