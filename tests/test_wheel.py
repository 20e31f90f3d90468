"""The built wheel, in a clean environment: what a user gets from a package index works by itself."""

import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent


def run(*argv: str | Path, cwd: Path, **environ: str) -> subprocess.CompletedProcess[str]:
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("RUNNER_", "COV_", "COVERAGE_"))}
    return subprocess.run(
        [str(word) for word in argv],
        cwd=cwd,
        env={**kept, **environ},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A new environment with the wheel in it, and the demo project copied out of the repository."""
    folder = tmp_path_factory.mktemp("wheel")
    built = run(sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", folder, ROOT, cwd=folder)
    assert built.returncode == 0, built.stderr
    [wheel] = folder.glob("*.whl")
    run(sys.executable, "-m", "venv", folder / "venv", cwd=folder)
    done = run(folder / "venv/bin/pip", "install", "-q", wheel, cwd=folder)
    assert done.returncode == 0, done.stderr
    for name in ("playbooks", "inventory"):
        shutil.copytree(ROOT / name, folder / name)
    return folder


def test_the_wheel_validates_plans_and_runs_the_demo(installed: Path) -> None:
    """From a clean environment: check the demo playbook, plan it, and run it on the demo fleet."""
    runner = installed / "venv/bin/runner"

    checked = run(runner, "validate", "playbooks/rolling-deploy.yaml", cwd=installed)
    planned = run(runner, "plan", "playbooks/rolling-deploy.yaml", cwd=installed)
    ran = run(runner, "run", "playbooks/rolling-deploy.yaml", cwd=installed, RUNNER_RUNS_DIR=str(installed / "runs"))

    assert (checked.returncode, planned.returncode, ran.returncode) == (0, 0, 0), checked.stderr + ran.stderr
    assert "web[04-06]" in planned.stdout
    assert "changed 9" in ran.stdout


def test_the_wheel_has_schemas_and_types(installed: Path) -> None:
    """Editors find the schemas, and type checkers the marker."""
    [wheel] = installed.glob("*.whl")
    names = zipfile.ZipFile(wheel).namelist()

    assert "runner/schemas/playbook.schema.json" in names
    assert "runner/py.typed" in names
