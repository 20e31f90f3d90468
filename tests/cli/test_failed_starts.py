"""Runs that fail before their first record: what they leave can be read, and gone on with."""

import subprocess
import sys
from pathlib import Path

import pytest
from commandline import environment, project, runner

PLAYBOOK = "version: 1\ninventory: hosts.yaml\nhosts: all\nsteps: [{shell: 'echo one >> FOLDER/done'}]\n"

FAILING = """
import sys
from runner import transports
from runner.errors import RunnerError

def load(name):
    raise {error}

transports.load = load
from runner.cli.main import main
sys.argv = ["runner", "run", "site.yaml"]
main()
"""


@pytest.mark.parametrize("error", ["RunnerError('asyncssh is too old')", "ValueError('a fault of its own')"])
def test_a_transport_that_can_not_start_leaves_a_run_to_go_on_with(tmp_path: Path, error: str) -> None:
    """Its journal begins with how the run began, though that is recorded behind the failure."""
    project(tmp_path, PLAYBOOK.replace("FOLDER", str(tmp_path)), "connection: local\nhosts: {one: {}}\n")
    environ = environment(RUNNER_RUNS_DIR=str(tmp_path / "runs"), PYTHONPATH=":".join(sys.path))
    program = [sys.executable, "-c", FAILING.format(error=error)]
    failed = subprocess.run(program, cwd=tmp_path, env=environ, capture_output=True, timeout=60, check=False)
    assert failed.returncode not in {0, 2}

    verified = runner("runs", "verify", "last", cwd=tmp_path)
    resumed = runner("resume", "last", cwd=tmp_path)

    assert (verified.code, verified.err) == (0, "")
    assert resumed.code == 0
    assert (tmp_path / "done").read_text() == "one\n"
