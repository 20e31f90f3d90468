"""What no part of runner may do, found in its syntax; each ban with a line that breaks it, to see that it is found."""

import ast
import importlib.metadata
import json
import os
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]

CALLS = frozenset(
    {
        *("eval", "exec", "compile", "__import__", "print", "input", "breakpoint"),
        *("yaml.load", "yaml.load_all", "yaml.full_load", "yaml.unsafe_load", "yaml.safe_load"),
        *("os.system", "os.popen", "subprocess.getoutput", "subprocess.getstatusoutput", "tempfile.mktemp"),
        *("click.echo", "click.secho", "sys.stdout.write", "sys.stderr.write"),
        *("ssl._create_unverified_context", "asyncio.create_subprocess_shell", "logging.basicConfig"),
    }
)
MODULES = frozenset({"pickle", "cPickle", "dill", "marshal", "shelve", "telnetlib", "ftplib", "xml"})
KEYWORDS = {
    "shell": True,
    "known_hosts": None,
    "verify": False,
    "check_hostname": False,
    "agent_forwarding": True,
    "x11_forwarding": True,
    "strict_host_key_checking": False,
}
MAY = {
    ("runner/cli/printing.py", "click.echo"),  # the one place for commands
    ("runner/app/host_locks.py", "sys.stderr.write"),  # tamed there
    ("runner/app/stray.py", "sys.stderr.write"),  # tamed there
}

SAMPLES = (
    "eval(text)",
    "exec(text)",
    "compile(text, 'x', 'exec')",
    "__import__(name)",
    "print(text)",
    "import yaml\nyaml.load(text)",
    "import yaml as y\ny.unsafe_load(text)",
    "from yaml import load as read\nread(text)",
    "import pickle",
    "from pickle import loads",
    "import marshal as m",
    "import os\nos.system(text)",
    "from os import system\nsystem(text)",
    "import tempfile\ntempfile.mktemp()",
    "import subprocess\nsubprocess.run(text, shell=True)",
    "import asyncssh\nasyncssh.connect(host, known_hosts=None)",
    "options = {'known_hosts': None}",
    "options = dict(known_hosts=None)",
    "get(url, verify=False)",
    "import ssl\nssl._create_unverified_context()",
    "context.check_hostname = False",
    "connect(agent_forwarding=True)",
    "import sys\nsys.stdout.write(text)",
    "import click\nclick.echo(text)",
)


def broken(tree: ast.AST) -> Iterator[str]:
    """The bans that a module breaks, by name."""
    names: dict[str, str] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {one.asname or one.name.partition(".")[0]: one.name for one in node.names}
            yield from (one.name for one in node.names if one.name.partition(".")[0] in MODULES)
        elif isinstance(node, ast.ImportFrom):
            names |= {one.asname or one.name: f"{node.module}.{one.name}" for one in node.names}
            if (node.module or "").partition(".")[0] in MODULES:
                yield node.module or ""
    for node in ast.walk(tree):
        if isinstance(node, ast.Name | ast.Attribute) and (found := dotted(node, names)) in CALLS:
            yield found
        yield from settings(node)


def dotted(node: ast.expr, names: dict[str, str]) -> str:
    """``os.system``, by whatever name it was imported; empty for what is no name."""
    if isinstance(node, ast.Name):
        return names.get(node.id, node.id)
    if isinstance(node, ast.Attribute) and (before := dotted(node.value, names)):
        return f"{before}.{node.attr}"
    return ""


def settings(node: ast.AST) -> Iterator[str]:
    """Settings of libraries that open a door: as arguments, in mappings, as attributes."""
    pairs: list[tuple[object, ast.AST]] = []
    if isinstance(node, ast.Call):
        pairs = [(one.arg, one.value) for one in node.keywords]
    elif isinstance(node, ast.Dict):
        keys = [key.value if isinstance(key, ast.Constant) else None for key in node.keys]
        pairs = list(zip(keys, node.values, strict=True))
    elif isinstance(node, ast.Assign):
        pairs = [(target.attr, node.value) for target in node.targets if isinstance(target, ast.Attribute)]
    for name, value in pairs:
        if name in KEYWORDS and isinstance(value, ast.Constant) and value.value is KEYWORDS[name]:
            yield f"{name}={value.value}"


def test_no_module_does_what_none_may() -> None:
    """No code made of text, no format that runs what it reads, no shell, no unchecked server, no other way out."""
    found = {
        (path.relative_to(ROOT).as_posix(), name)
        for path in sorted((ROOT / "runner").rglob("*.py"))
        for name in broken(ast.parse(path.read_text(encoding="utf-8")))
    }

    assert found == MAY


@pytest.mark.parametrize("sample", SAMPLES)
def test_each_ban_finds_what_it_bans(sample: str) -> None:
    """Whatever it is imported as."""
    assert list(broken(ast.parse(sample)))


def test_names_that_only_look_alike_are_no_breach() -> None:
    """Methods of our own, regular expressions, a setting that keeps the door shut."""
    text = (
        "import re\nre.compile(x)\nself.exec(x)\nnode.eval()\nrun(shell=False, known_hosts=(), verify=True)\nform = 1"
    )

    assert list(broken(ast.parse(text))) == []


def test_every_dependency_has_a_floor_and_is_above_it() -> None:
    """Versions with known faults can't be installed with runner, and are not installed here."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())

    wanted = [re.fullmatch(r"([\w-]+)(\[\w+\])?>=([\d.]+)", text) for text in project["project"]["dependencies"]]

    assert all(wanted)
    floors = {found[1]: tuple(map(int, found[3].split("."))) for found in wanted if found}
    assert floors["asyncssh"] >= (2, 24, 1)
    assert floors["jinja2"] >= (3, 1, 6)
    for name, floor in floors.items():
        installed = tuple(int(part) for part in re.findall(r"\d+", importlib.metadata.version(name)))
        assert installed >= floor, name


def test_building_and_installing_runs_nothing_of_the_project() -> None:
    """One build back end, no hooks, no script: a package index is all that an installer asks."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())

    assert [text.partition(">")[0] for text in project["build-system"]["requires"]] == ["hatchling"]
    assert set(project["tool"]["hatch"]["build"]) == {"targets"}
    assert set(project["tool"]["hatch"]["build"]["targets"]["wheel"]) == {"packages", "force-include"}
    assert not (ROOT / "setup.py").exists()
    assert not any("@" in text or "://" in text for text in project["project"]["dependencies"])


IMPORT_ALL = """
import sys, json
done = []
def hook(event, args):
    if event.startswith(("subprocess", "socket.", "os.exec", "os.posix_spawn", "os.fork", "os.system")):
        done.append(event)
    if event == "open" and isinstance(args[1], str) and set(args[1]) & set("wax+"):
        done.append(f"writes {args[0]}")
sys.dont_write_bytecode = True
sys.addaudithook(hook)
import ctypes.util, importlib, pkgutil, runner
ctypes.util.find_library = lambda name: None  # asyncssh asks it for two libraries, and it asks gcc, ld and ldconfig
for found in pkgutil.walk_packages(runner.__path__, "runner."):
    if found.name != "runner.__main__":
        importlib.import_module(found.name)
print(json.dumps(sorted(done)))
"""


def test_importing_does_nothing_but_import(tmp_path: Path) -> None:
    """No module starts a program, opens a connection or writes a file when it is imported."""
    done = subprocess.run(
        [sys.executable, "-c", IMPORT_ALL],
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), "HOME": str(tmp_path)},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )

    assert [event for event in json.loads(done.stdout) if event != "socket.__new__"] == []
    assert list(tmp_path.iterdir()) == []


def test_the_policy_says_how_to_report_and_the_readme_leads_to_it() -> None:
    """In private, by a way that is there: no address is made up."""
    policy = (ROOT / ".github/SECURITY.md").read_text()

    assert "Report a\nvulnerability" in policy or "Report a vulnerability" in policy
    assert not re.search(r"[\w.]+@[\w.]+", policy)
    assert "(.github/SECURITY.md)" in (ROOT / "README.md").read_text()
