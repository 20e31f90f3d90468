"""A secret is in nothing that any command prints or leaves: a run and all that can be done with it afterwards."""

from pathlib import Path

import pytest
from canary import CANARY, traces, traces_in
from commandline import Done, project, runner

PLAY = """
version: 1
inventory: hosts.yaml
inputs: {note: {type: string, default: none}}
secrets: {token: {file: secret/token.txt}}
vars: {via: "x{{ secrets.token }}y"}
hosts: all
env: {T: "{{ via }}"}
strategy: {max_failures: 9}
steps:
- {id: says, shell: 'echo "$T"; echo "$T" | base64; echo "$T" >&2; cat', stdin: "{{ secrets.token }}", register: out}
- {id: changes, command: [touch, changed]}
- {id: told, log: "{{ out.stdout }} {{ note }}"}
- {id: asks, approve: "is {{ secrets.token }} right?", once: run}
- {id: fails, shell: 'cat; test -e fixed', stdin: "{{ via }}", retry: {attempts: 2, delay: 1ms}, idempotent: true}
rollback: [{id: back, shell: 'echo "$T"; rm -f changed'}]
"""
HOSTS = "connection: local\nhosts: {one: {}, two: {}}\n"


class Story:
    """Commands one after another in one project; ``everything`` is what they have printed."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "secret").mkdir()
        (folder / "secret" / "token.txt").write_text(CANARY)
        (folder / "home").mkdir()
        project(folder, PLAY, HOSTS)
        self.everything: list[str] = []

    def __call__(self, *words: str | Path, code: int = 0) -> Done:
        """Run a command, which ends with ``code``."""
        places = {"XDG_STATE_HOME": str(self.folder / "state"), "HOME": str(self.folder / "home")}
        done = runner(*words, cwd=self.folder, TMPDIR=str(self.folder), **places)
        assert done.code == code, (words, done.out, done.err)
        self.everything.append(f"{words}\n{done.out}\n{done.err}")
        return done

    def traces(self) -> dict[str, list[str]]:
        """Where the secret can be found."""
        found = {text[:60]: left for text in self.everything if (left := traces(text))}
        return found | {name: left for name, left in traces_in(self.folder).items() if not name.startswith("secret/")}


@pytest.mark.long
def test_no_command_prints_or_leaves_a_secret(tmp_path: Path) -> None:
    """Plans, a run that waits, fails, goes on, is run again, taken back, compared, checked and mended."""
    tell = Story(tmp_path)

    tell("validate", "site.yaml", "--format", "json")
    for form in ("text", "json", "mermaid", "dot"):
        tell("plan", "site.yaml", "--format", form)
    tell("plan", "site.yaml", "-o", "plan.json")
    first = tell(
        "run", "plan.json", "--batch", "--output", "json", "--log-file", "log", "--log-output", code=20
    ).folder.name
    tell("runs", "show", first, "--steps")
    tell("approve", first)
    tell("resume", first, "--plan")
    tell("resume", first, "--output", "stream", "--log-format", "logfmt", code=1)
    tell("runs", "show", first, "--steps", "--format", "json")
    (tmp_path / "home" / "fixed").touch()
    tell("resume", first, "--output", "plain", "--log-format", "console", "--log-output")
    tell("rerun", first, "--only", "changed", "--batch", code=20)
    second = tell("runs", "list", "--format", "json").folder.name
    tell("approve", second, "--deny")
    tell("resume", second, "--output", "quiet", code=7)
    tell("runs", "compare", first, second, "--format", "json")
    tell("runs", "compare", first, second)
    tell("plan", "site.yaml", "--against", first)
    tell("rollback", first, "-y", code=8)
    tell("runs", "verify", first)
    journal = tmp_path / "runs" / first / "events.jsonl"
    lines = journal.read_bytes().splitlines(keepends=True)
    journal.write_bytes(b"".join([*lines[:9], b'{"broken\n', *lines[10:]]))
    tell("runs", "show", first, code=11)
    tell("runs", "salvage", first, "-o", "mended.jsonl")

    assert tell.traces() == {}
    assert "***" in "".join(tell.everything)


@pytest.mark.long
def test_a_secret_that_is_typed_elsewhere_too_is_masked_there(tmp_path: Path) -> None:
    """After ``-e`` it is in no record; it has to be given again where the run goes on."""
    tell = Story(tmp_path)

    done = tell("run", "site.yaml", "-e", f"note={CANARY}", "--batch", code=20)
    tell.everything.clear()  # of the words that were typed
    tell("runs", "show", done.folder.name, "--steps", "--format", "json")

    left = {name for name in tell.traces() if not name.endswith("plan.json")}
    assert left == set()
