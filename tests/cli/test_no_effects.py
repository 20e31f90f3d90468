"""``validate`` and ``plan`` read the project's files and do nothing else: the interpreter itself tells what they do."""

import json
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest
from commandline import environment, project

import runner

AUDITED = """
import json, os, sys
told, is_on = [], False
def hook(event, arguments):
    if is_on and (event == "open" or event.split(".")[0] in {"subprocess", "socket", "urllib", "pty"}
                  or event in {"os.exec", "os.fork", "os.forkpty", "os.posix_spawn", "os.spawn", "os.system",
                               "os.remove", "os.rename", "os.mkdir", "os.rmdir", "os.chmod", "os.link", "os.symlink"}):
        told.append((event, [str(part) for part in arguments[:3]]))
sys.addaudithook(hook)
is_on = True
from runner.cli.main import main
try:
    sys.argv = ["runner", *json.loads(sys.stdin.read())]
    main()
finally:
    is_on = False
    with open(os.environ["TOLD"], "w") as file:
        json.dump(told, file)
"""
PLAY = """
version: 1
inventory: hosts.yaml
vars_files: [more.yaml]
inputs: {release: {type: string, default: "1"}}
secrets:
  env: {env: HOME}
  file: {file: /etc/shadow}
  command: {command: [touch, trapped]}
  asked: {prompt: "what? "}
hosts: all
become: {password: asked}
strategy: {type: rolling, gate: [{http: {url: "http://127.0.0.1:9/"}, from: controller}]}
steps:
- {shell: 'touch trapped; echo {{ release | quote }}', env: {A: "{{ secrets.env }}"}, register: out}
- {copy: {src: a.txt, dest: /etc/a}}
- {template: {src: a.j2, dest: /etc/b}}
- {script: a.sh}
- {http: {url: "http://example.invalid/", headers: {X: "{{ secrets.file }}"}, from: controller}}
- {fetch: {src: /etc/passwd, dest: got}}
- {command: [touch, trapped], delegate_to: controller}
- {include: part.yaml}
"""
HOSTS = """
hosts: {web1: {address: web1.invalid}, web2: {ssh: {config: true, identity: ~/.ssh/nothing}}, here: {connection: local}}
"""
TRAPS = (
    "click",
    "jinja2",
    "jsonschema",
    "yaml",
    "msgspec",
    "rich",
    "json",
    "filters",
    "runner_plugins",
    "sitecustomize",
)


@pytest.fixture
def trapped(tmp_path: Path) -> Path:
    """A project whose folder is full of things that a careless program would run or read."""
    folder = tmp_path / "site"
    folder.mkdir()
    project(folder, PLAY, HOSTS)
    (folder / "more.yaml").write_text("word: hello\n")
    (folder / "a.txt").write_text("a\n")
    (folder / "a.j2").write_text("{{ word }}\n")
    (folder / "a.sh").write_text("#!/bin/sh\ntouch trapped\n")
    (folder / "a.sh").chmod(0o755)
    (folder / "part.yaml").write_text("- log: '{{ word }}'\n")
    for name in TRAPS:
        (folder / f"{name}.py").write_text("open('trapped', 'w')\n")
    (folder / "runner.yaml").write_text("limit: none\n")
    (folder / ".env").write_text("RUNNER_LIMIT=none\n")
    return folder


def audited(folder: Path, *words: str) -> list[tuple[str, list[str]]]:
    """What a command did that somebody could mind: not the reading of Python's and runner's own files."""
    told = folder.parent / "told.json"
    argv = [sys.executable, "-P", "-c", AUDITED]
    done = subprocess.run(
        argv,
        cwd=folder,
        env=environment(TOLD=str(told), PYTHONPATH=str(Path(runner.__file__).parent.parent)),
        input=json.dumps(words),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    ours = [sysconfig.get_path(name) for name in ("stdlib", "platstdlib", "purelib", "platlib")]
    ours += [
        str(Path(runner.__file__).parent),
        str(Path(runner.__file__).parent.parent / "schemas"),
        "/usr/share/zoneinfo",
    ]
    return [
        (event, arguments)
        for event, arguments in json.loads(told.read_text())
        if event != "open" or not any(arguments[0].startswith(place) for place in ours)
    ]


@pytest.mark.parametrize("words", [("validate", "site.yaml"), ("plan", "site.yaml", "--format", "json")])
def test_nothing_is_run_asked_or_opened_outside_the_project(trapped: Path, words: tuple[str, ...]) -> None:
    """No command, no socket, no file of anybody else's; nothing is written, no secret fetched, nothing imported."""
    did = audited(trapped, *words)

    names = {path.name for path in trapped.iterdir()} - {f"{name}.py" for name in TRAPS} - {"runner.yaml", ".env"}
    opened = {
        str((trapped / arguments[0]).resolve())
        for event, arguments in did
        if event == "open" and not arguments[0].isdigit()
    }
    assert [(event, arguments) for event, arguments in did if event != "open"] == []
    assert opened - {str(trapped / name) for name in names} <= {"/dev/null"}
    assert [arguments for event, arguments in did if event == "open" and arguments[1] not in {"r", "rb", "None"}] == []
    assert not (trapped / "trapped").exists()
