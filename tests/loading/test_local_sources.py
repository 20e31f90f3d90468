"""Files that steps send are looked for before any host is contacted."""

import os

import pytest

from runner.errors import InputError
from runner.loading.files import project_of
from runner.loading.project import load


@pytest.fixture
def check(tmp_path, monkeypatch):
    """Code, column and message of what is wrong with a playbook of one step, on line 4."""
    home = tmp_path / "project"
    home.mkdir()
    monkeypatch.chdir(home)
    (home / "here.txt").write_text("x")
    (home / "folder").mkdir()
    (tmp_path / "outside.txt").write_text("x")
    (home / "link").symlink_to(tmp_path / "outside.txt")
    os.mkfifo(home / "pipe")

    def run(step):
        (home / "site.yaml").write_text(
            f"version: 1\nhosts: controller\nsteps:\n- {step}\ninventory: {{hosts: {{a: }}}}\n"
        )
        try:
            return list(load(home / "site.yaml", cwd=home).warnings)
        except InputError as error:
            return [(p.code, p.location.column, p.message) for p in error.problems]

    return run


@pytest.mark.parametrize(
    "step",
    [
        "copy: {src: here.txt, dest: /x}",
        "copy: {src: folder, dest: /x}",
        "copy: {src: '{{ host.name }}.txt', dest: /x}",
        "copy: {content: x, dest: /x}",
        "script: here.txt",
        "template: {src: here.txt, dest: /x}",
    ],
)
def test_files_that_are_there_are_fine(check, step):
    """Also a folder to copy, and a name that is known at run time only."""
    assert check(step) == []


@pytest.mark.parametrize(
    ("step", "column", "words"),
    [
        ("copy: {src: gone.txt, dest: /x}", 15, "there is no file"),
        ("copy: {src: ../outside.txt, dest: /x}", 15, "outside the project"),
        ("copy: {src: link, dest: /x}", 15, "outside the project"),
        ("copy: {src: pipe, dest: /x}", 15, "no regular file"),
        ("script: folder", 11, "is a folder"),
        ("script: {src: here.txt, includes: [gone.sh]}", 38, "there is no file"),
    ],
)
def test_files_that_cannot_be_sent_are_pointed_at(check, step, column, words):
    """Missing, outside, through a link, a pipe that would hang, a folder where a file is needed."""
    ((code, at, message),) = check(step)

    assert (code, at) == ("E413", column)
    assert words in message


def test_the_project_is_the_repository_or_the_current_folder(tmp_path):
    """The nearest folder with .git, else the current one if it holds the playbook, else the playbook's."""
    deep = tmp_path / "a" / "b"
    deep.mkdir(parents=True)

    assert project_of(deep, tmp_path) == tmp_path
    assert project_of(deep, tmp_path / "elsewhere") == deep
    (tmp_path / "a" / ".git").mkdir()
    assert project_of(deep, tmp_path) == tmp_path / "a"
