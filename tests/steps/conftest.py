"""A host for step kinds: a folder of its own, real /bin/sh."""

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from local_target import LocalTarget
from web_server import WebServer


@pytest.fixture
def target(tmp_path: Path) -> LocalTarget:
    """A host whose disk is ``root`` below a folder, and a controller's project folder beside it."""
    root, project = tmp_path / "host", tmp_path / "project"
    root.mkdir()
    project.mkdir()
    return LocalTarget(root, project)


@pytest.fixture
def web() -> Iterator[WebServer]:
    """A web server on loopback."""
    with WebServer() as server:
        yield server


@pytest.fixture
def tiny_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 16 KiB. Needs root, and a kernel that lets it mount."""
    disk = tmp_path / "tiny"
    disk.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=16k", "tmpfs", disk], capture_output=True, check=False
    )
    if mounted.returncode != 0:
        pytest.skip("no tmpfs can be mounted here: needs root")
    yield disk
    subprocess.run(["umount", disk], check=True)
