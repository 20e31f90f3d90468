"""A current folder that belongs to everybody, full of files that programs like to read: runner reads none of them."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from commandline import environment, project

from runner.loading.files import project_of

ROOT = Path(__file__).parents[1]
TRAP = "import os\nos.write(os.open({mark!r}, os.O_WRONLY | os.O_CREAT | os.O_APPEND), (__name__ + '\\n').encode())\n"
MODULES = (
    *("yaml", "jinja2", "asyncssh", "click", "msgspec", "rich", "jsonschema", "structlog", "uvloop", "cryptography"),
    *("json", "asyncio", "logging", "getpass", "secrets", "hmac", "zoneinfo", "readline", "pwd", "colorama", "bcrypt"),
    *("sitecustomize", "usercustomize", "conftest", "filters", "setup", "runner_plugins", "ansible", "markupsafe"),
)
FILES = (
    *("runner.yaml", "runner.yml", "runner.toml", ".runner.yaml", ".env", ".envrc", "pyproject.toml", "setup.cfg"),
    *("ansible.cfg", "known_hosts", "ssh_config", "config", ".ssh/config", ".ssh/known_hosts", ".netrc", "pyvenv.cfg"),
    *("vars.yaml", "group_vars/all.yaml", "host_vars/one.yaml", "filter_plugins/filters.py", "library/shell.py"),
    *(
        "inventory",
        "hosts.yaml",
        "site.yaml",
        "secrets.yaml",
        ".git/config",
        "logging.conf",
        "schemas/plan.schema.json",
    ),
)
WATCH = """
import sys
def hook(event, args):
    if event in {"open", "os.listdir", "os.scandir", "subprocess.Popen", "import"}:
        name = args[0] if event != "import" else args[1]
        if isinstance(name, (str, bytes)) and event != "subprocess.Popen":
            opened.append(name if isinstance(name, str) else name.decode(errors="replace"))
opened = []
sys.addaudithook(hook)
import atexit, json, os
here = os.getcwd()
def tell():
    found = [name for name in list(opened) if os.path.abspath(os.path.join(here, name)).startswith(here + "/")]
    with open(os.environ["SEEN"], "w") as file:
        json.dump(found, file)
atexit.register(tell)
from runner.cli.main import main
for words in json.loads(os.environ["COMMANDS"]):
    sys.argv = ["runner", *words]
    try:
        main()
    except SystemExit as end:
        assert not end.code, words
"""
COMMANDS = (
    ("--help",),
    ("validate", "{site}"),
    ("plan", "{site}"),
    ("plan", "{site}", "-o", "{out}"),
    ("simulate", "{site}"),
    ("run", "{site}"),
    ("runs", "list"),
    ("inventory", "list", "-i", "{hosts}"),
    ("lock", "status", "{site}"),
)


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """The project, and beside it the folder with the traps."""
    (tmp_path / "project").mkdir()
    text = "version: 1\ninventory: hosts.yaml\nhosts: one\nsteps: [{shell: 'true'}, {template: {src: t, dest: %s}}]\n"
    project(tmp_path / "project", text % (tmp_path / "placed"), "connection: local\nhosts: {one: {}}\n")
    (tmp_path / "project/t").write_text("{{ host.name }}\n")
    trapped = tmp_path / "trapped"
    trapped.mkdir()
    trapped.chmod(0o777)
    text = TRAP.format(mark=str(tmp_path / "sprung"))
    for name in MODULES:
        (trapped / f"{name}.py").write_text(text)
    for name in FILES:
        (trapped / name).parent.mkdir(exist_ok=True)
        (trapped / name).write_text(text if name.endswith(".py") else "!!trap: [\n")
    return trapped


def words(place: Path, command: tuple[str, ...]) -> list[str]:
    there = place.parent / "project"
    names = {"site": there / "site.yaml", "hosts": there / "hosts.yaml", "out": place.parent / "saved.json"}
    return [word.format(**names) for word in command]


def call(argv: list[str], place: Path, **more: str) -> subprocess.CompletedProcess[str]:
    """Run it in the folder with the traps; Python finds runner, and its libraries, elsewhere."""
    settings = environment(
        PYTHONPATH=str(ROOT), RUNNER_RUNS_DIR=str(place.parent / "runs"), PYTHONDONTWRITEBYTECODE="1", **more
    )
    return subprocess.run(argv, cwd=place, env=settings, stdin=subprocess.DEVNULL, capture_output=True, text=True)  # noqa: PLW1510


def seen(place: Path, *commands: list[str]) -> set[str]:
    """What of the folder with the traps is opened, listed or imported while these commands run."""
    program = place.parent / "runner-program"  # what an installer makes: Python puts its folder first, not this one
    program.write_text(WATCH)
    told = place.parent / "seen"
    done = call([sys.executable, str(program)], place, SEEN=str(told), COMMANDS=json.dumps(commands))
    assert done.returncode == 0, done.stderr
    return {os.path.relpath(place / name, place) for name in json.loads(told.read_text())}


def test_nothing_in_the_current_folder_is_read_or_imported(place: Path) -> None:
    """By the ``runner`` program, whatever it is asked for, where the files that were named lie elsewhere."""
    assert seen(place, *(words(place, command) for command in COMMANDS)) == set()
    assert not (place.parent / "sprung").exists()


def test_as_a_module_it_imports_nothing_from_there_either(place: Path) -> None:
    """``python -m`` puts the current folder first; runner takes it away before it imports anything else."""
    for stranger in ("runner", *sys.stdlib_module_names):  # Python itself may be led astray before runner begins
        (place / f"{stranger}.py").unlink(missing_ok=True)

    done = call([sys.executable, "-m", "runner", *words(place, ("run", "{site}"))], place)

    assert done.returncode == 0, done.stderr
    assert not (place.parent / "sprung").exists()


@pytest.mark.skipif(os.getuid() != 0, reason="giving files away needs root")
def test_nobody_else_makes_a_project_of_a_folder_that_everybody_can_write(place: Path) -> None:
    """A ``.git`` that another user put there lets no local file outside of the playbook's own folder be read."""
    mine = place / "mine"
    mine.mkdir()
    elsewhere = place.parent / "project"
    before = project_of(mine, elsewhere)
    shutil.chown(place / ".git", "nobody")

    assert before == place
    assert project_of(mine, elsewhere) == mine
    place.chmod(0o755)
    assert project_of(mine, elsewhere) == place


def test_only_what_is_named_is_read_where_the_playbook_lies_there_too(place: Path) -> None:
    """A playbook in such a folder is run because it was named, and brings in nothing that it does not name."""
    project(place, "version: 1\nhosts: localhost\nsteps: [{shell: 'true'}]\n", "")
    (place / "site.yaml").write_text("version: 1\ninventory: mine.yaml\nhosts: all\nsteps: [{shell: 'true'}]\n")
    (place / "mine.yaml").write_text("connection: local\nhosts: {one: {}}\n")

    assert seen(place, ["run", "site.yaml"]) == {"site.yaml", "mine.yaml"}
    assert not (place.parent / "sprung").exists()
