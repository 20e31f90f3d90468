"""How long it takes to go on with a large run: its journal read back, checked and folded, its plan made again."""

import hashlib
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from runner import run_folder
from runner.app.digests import digests_of
from runner.app.plans import make_plan, plan_ready
from runner.app.provenance import Marks, run_started
from runner.app.settings import Settings
from runner.journal import FIRST_SUM, encode
from runner.model.encoding import encode_plan
from runner.model.events import Event, HostEnded, HostStarted, StepEnded, StepIntent, WaveEnded, WaveStarted
from runner.model.options import RunOptions
from runner.model.plan import Plan

HOSTS, STEPS, WAVES = 10_000, 20, 10
LIMIT = 3.0

pytestmark = pytest.mark.benchmark


def told(plan: Plan) -> Iterator[Event]:
    """All that happened, but for the last step of the last host."""
    play = plan.plays[0]
    last = play.hosts[-1]
    for wave in play.waves:
        where = {"play": play.id, "wave": wave.index}
        yield WaveStarted(**where, of=len(play.waves), hosts=wave.hosts)
        for host in wave.hosts:
            yield HostStarted(**where, host=host)
            for step in play.steps[: -1 if host == last else None]:
                one = {**where, "host": host, "step": step.id, "kind": "command", "attempt": 1, "src": "site.yaml:9"}
                yield StepIntent(**one, command="0123456789abcdef")
                yield StepEnded(**one, status="changed", rc=0, changed=True, duration=0.125)
            if host != last:
                yield HostEnded(**where, host=host, status="changed", duration=3.0)
        if wave is not play.waves[-1]:
            yield WaveEnded(**where, status="ok", counts={"changed": len(wave.hosts)}, duration=5.0)


def left_behind(tmp_path: Path) -> str:
    """The folder of such a run, killed before its last step; gives its id."""
    (tmp_path / "hosts.yaml").write_text(f"connection: local\nhosts:\n  web[00001-{HOSTS:05}]: {{}}\n")
    steps = "".join(f"  - {{id: s{number}, command: 'true'}}\n" for number in range(STEPS))
    strategy = f"{{type: rolling, waves: {HOSTS // WAVES}}}"
    (tmp_path / "site.yaml").write_text(
        f"version: 1\ninventory: hosts.yaml\nhosts: all\nstrategy: {strategy}\nsteps:\n{steps}"
    )
    planned = make_plan(Settings(playbook=tmp_path / "site.yaml"))
    run = run_folder.new_id(datetime.now(UTC), b"abcd")
    folder = run_folder.create(tmp_path / "runs", run)
    data, salt = encode_plan(planned.plan), b"s" * 16
    folder.write("plan.json", data)
    options = RunOptions(playbook=str(tmp_path / "site.yaml"), seed=planned.seed, max_open=planned.max_open).as_data()
    marks = Marks(
        salt=salt,
        token="0" * 32,
        plan=hashlib.sha256(data).hexdigest(),
        options=options,
        digests=digests_of(planned.plan, {}, salt),
    )
    start = [run_started(planned.plan, marks, argv=("runner",), seed=planned.seed), plan_ready(planned.plan)]
    previous, lines = FIRST_SUM, []
    for seq, event in enumerate((*start, *told(planned.plan))):
        line, previous = encode(event, seq=seq, ts=1.7e9 + seq / 1e4, run=run, previous=previous)
        lines.append(line)
    (folder.path / "events.jsonl").write_bytes(b"".join(lines))
    (folder.path / "events.jsonl").chmod(0o600)
    return run


def test_10000_hosts_are_gone_on_with_at_once(tmp_path: Path) -> None:
    """From the command to the end of the one step that is left, in 3 seconds."""
    run = left_behind(tmp_path)
    size = (tmp_path / "runs" / run / "events.jsonl").stat().st_size / 1e6
    words = [sys.executable, "-m", "runner", "resume", run, "--runs-dir", str(tmp_path / "runs"), "--batch", "-q"]
    begun = time.monotonic()
    done = subprocess.run(words, cwd=tmp_path, capture_output=True, text=True, check=False)
    took = time.monotonic() - begun
    print(f"\nresume of {HOSTS:,} hosts x {STEPS} steps, {size:.0f} MB of journal: {took:.2f} s to its end")
    assert done.returncode == 0, done.stderr
    assert f"{HOSTS * STEPS} of {HOSTS * STEPS}" in done.stdout.replace(",", "")
    assert took < LIMIT
