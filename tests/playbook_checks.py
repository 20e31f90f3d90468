"""What is said of a playbook as it is loaded: one line a problem, as messages have it."""

from contextlib import chdir
from pathlib import Path

from runner.errors import InputError
from runner.loading.project import load

HOSTS = "hosts:\n  web[1-3]:\n  db1:\ngroups: {web: {hosts: ['web*']}}\n"
HEAD = "version: 1\ninventory: hosts.yaml\n"


def said(folder: Path, text: str, *, hosts: str = HOSTS, **files: str) -> list[str]:
    """``line:column message [code] | hint`` of every problem of a playbook, whose third line is the text's first.

    ``files`` are written beside it, with ``_`` for the dot of their names; problems in them have their names in front.
    """
    (folder / "hosts.yaml").write_text(hosts)
    (folder / "site.yaml").write_text(HEAD + text)
    for name, content in files.items():
        (folder / name.replace("_", ".")).write_text(content)
    with chdir(folder):
        try:
            problems = load(folder / "site.yaml", cwd=folder).warnings
        except InputError as error:
            problems = error.problems
    return [_line(problem) for problem in problems]


def _line(problem):
    where = problem.location
    place = f"{where.line}:{where.column}" if where.file == "site.yaml" else f"{where.file}:{where.line}:{where.column}"
    return f"{place} {problem.message} [{problem.code}]" + (f" | {problem.hint}" if problem.hint else "")
