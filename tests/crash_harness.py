"""Real runs over real OpenSSH that are killed and gone on with, until they are over; then what the hosts saw decides.

Every step leaves a line in a file of its host when it begins and another when it has ended, both synced: an oracle that
no controller can talk round. A run is killed by SIGKILL at a moment drawn at random, or as it passes a named point, or
loses its connections; whoever goes on may be killed, too. In the end no step may have run twice, and none be missing.

    python tests/crash_harness.py SEED      # from the repository, tells one of these runs in full
"""

import contextlib
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

from chaos_proxy import Chaos
from commandline import RUNNER, environment
from crash_shapes import MARK, Shaper
from sshd import Sshd, end_process

from runner.crashpoints import POINTS
from runner.host_record import prefix_of
from runner.journal import read, verify
from runner.model.events import StepEnded
from runner.model.past import Past, StepPast

CANARY = "canary-5c1f9e2b"
"""A secret that must be in nothing that a run leaves."""

MOST_PROCESSES = 30
LIMIT = 60.0
"""Seconds that one process may take."""

POINT_PASSES = {
    "before_append": 40, "after_append_before_sync": 40, "after_sync_before_send": 30, "after_send": 40,
    "before_step_ended": 30, "after_step_ended": 30, "in_plan_write": 1, "before_run_ended": 1, "in_repair": 1,
}  # fmt: skip
"""How many times a run passes each point, more or less: a crash is drawn among them."""


@dataclass
class Told:
    """What came of one run. ``lines`` tell it; ``problems`` are promises that were broken."""

    seed: int
    kills: int = 0
    cuts: int = 0
    held: int = 0
    processes: int = 0
    steps: int = 0
    lines: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)


UNHEARD = re.compile(r'what step "([^"]+)" printed on "([^"]+)" is not known')
"""How a step fails that needs what another one printed while nobody was there to hear it."""

DEFINITE = {1, 4, 5}
"""Exit statuses of a run that failed for certain: it is gone on with."""


class Killing:
    """One run in a folder of its own, from its first process to its last.

    ``left`` is how many processes will still be killed at random, ``points`` at which the first ones crash instead.
    """

    def __init__(self, sshd: Sshd, folder: Path, seed: int) -> None:
        self.chance = Random(f"kill {seed}")
        self.folder = folder
        self.runs = folder / "runs"
        self.sshd = sshd
        self.shape = Shaper(self.chance, folder).shape()
        self.told = Told(seed)
        self.left = self.chance.choice((1, 1, 1, 2, 3))
        self.points: list[str] = []
        self.asked_again = Counter[tuple[str, str]]()
        (folder / "oracle").mkdir(parents=True)
        (folder / "mark").write_text(MARK)
        (folder / "mark").chmod(0o755)
        (folder / "site.yaml").write_text(json.dumps(self.shape.playbook))

    def tell(self) -> Told:
        """Run it, kill it, go on with it, until it is over; then look."""
        with contextlib.ExitStack() as stack:
            cuts = self.chance.random() < 0.2
            chaos = stack.enter_context(Chaos(self.sshd.port, hosts=len(self.shape.hosts))) if cuts else None
            inventory = chaos.inventory(self.sshd, len(self.shape.hosts)) if chaos else self._direct()
            (self.folder / "hosts.yaml").write_text(json.dumps(inventory))
            self._until_over(chaos)
        self._wait_for_hosts()
        self._check()
        return self.told

    def _direct(self) -> dict[str, Any]:
        return self.sshd.inventory(len(self.shape.hosts))

    def _until_over(self, chaos: Chaos | None) -> None:
        for _ in range(MOST_PROCESSES):
            code = self._process(chaos)
            if code == -signal.SIGKILL:
                self.told.kills += 1
            elif code == 6 and self._resolve():
                continue
            elif code in DEFINITE:
                self._have_it_printed()
                continue  # a network that broke has used a try up: what failed runs again
            else:
                if code != 0:
                    self.told.problems.append(f"it ended with {code}")
                return
        self.told.problems.append(f"it is not over after {MOST_PROCESSES} processes")

    def _argv(self) -> list[str]:
        if any(self.runs.glob("*/events.jsonl")) and self._past().first is not None:
            return [*RUNNER, "resume", "last", "--runs-dir", str(self.runs)]
        return [*RUNNER, "run", "site.yaml", "-i", "hosts.yaml", "--runs-dir", str(self.runs)]

    def _process(self, chaos: Chaos | None) -> int:
        """One process, that may be killed; its exit status."""
        argv, more = self._argv(), {"TEST_CANARY": CANARY}
        moment = None
        if self.points:
            more["RUNNER_CRASHPOINT"] = self.points.pop(0)
        elif self.left:
            self.left -= 1
            if self.chance.random() < 0.4:
                point = self.chance.choice(POINTS)
                more["RUNNER_CRASHPOINT"] = f"{point}:{self.chance.randint(1, POINT_PASSES[point])}"
            else:
                moment = self.chance.uniform(0, self._usual())
        log = self.folder / "log"
        before = log.stat().st_size if log.exists() else 0
        with log.open("ab") as out:
            process = subprocess.Popen(
                argv,
                cwd=self.folder,
                env=environment(**more),
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=out,
                start_new_session=True,
            )
            code = self._ended(process, moment, chaos)
        self.told.processes += 1
        said = log.read_bytes()[before:].decode(errors="replace").strip().splitlines()[-3:]
        how = more.get("RUNNER_CRASHPOINT") or (f"at record {moment:.1f}" if moment is not None else "")
        self.told.lines.append(f"{argv[3]} {how}: {code} {said}")
        return code

    def _usual(self) -> float:
        """How many records such a run has, more or less."""
        return 25 + 2.5 * len(self.shape.wanted) * len(self.shape.hosts)

    def _ended(self, process: "subprocess.Popen[bytes]", moment: float | None, chaos: Chaos | None) -> int:
        """Wait for its end. At a moment, told in records and parts of the time between two, it is killed or cut off."""
        end = time.monotonic() + LIMIT
        if moment is not None and self._comes_to(process, moment, end):
            if chaos is not None and self.chance.random() < 0.7:
                self.told.cuts += 1
                chaos.reset()
            else:
                process.kill()
        try:
            return process.wait(max(1.0, end - time.monotonic()))
        except subprocess.TimeoutExpired:
            self.told.problems.append(f"it hangs: {self._argv()}")
            process.kill()
            return process.wait(10)

    def _comes_to(self, process: "subprocess.Popen[bytes]", moment: float, end: float) -> bool:
        """Wait until so many records are written, and a bit more; whether it came to that."""
        before = self._records()
        while process.poll() is None and time.monotonic() < end:
            if self._records() - before >= int(moment):
                time.sleep(moment % 1 / 20)  # anywhere between this record and what follows
                return process.poll() is None
            time.sleep(0.001)  # asks again; nothing depends on how long this is
        return False

    def _records(self) -> int:
        return sum(file.read_bytes().count(b"\n") for file in self.runs.glob("*/events.jsonl"))

    # what the journal says

    def _run(self) -> Path:
        """The run's folder: a process that died at its start has left one without a journal."""
        return max(self.runs.glob("*/events.jsonl"), key=lambda path: path.stat().st_mtime_ns).parent

    def _past(self) -> Past:
        past = Past()
        for seq, _, event in read(self._run() / "events.jsonl"):
            past.apply(event, seq)
        return past

    def _steps(self) -> Iterator[tuple[str, str, StepPast]]:
        for play in self._past().plays.values():
            for host, one in play.hosts.items():
                for step, past in one.steps.items():
                    yield host, step, past

    def _open(self) -> Iterator[tuple[str, str, int | None, StepPast]]:
        for host, step, past in self._steps():
            for item, part in past.items.items() or ((None, past),):
                if part.is_open:
                    yield host, step, item, part

    def _have_it_printed(self) -> None:
        """Have each step run again whose output is needed and was not heard: told by whoever needs it."""
        events = [event for _, _, event in read(self._run() / "events.jsonl")]
        latest = {(event.host, event.step): event for event in events if isinstance(event, StepEnded)}
        found = {match.groups() for event in latest.values() for match in UNHEARD.finditer(event.reason)}
        known = {(step, host): one for host, step, one in self._steps()}
        # One that has not come to run again since somebody said so, needs nobody to say it once more.
        for step, host in sorted(one for one in found if known[one].status in {"ok", "changed"}):
            words = ["resolve", "last", host, step, "--rerun", "--reason", "lost", "--runs-dir", str(self.runs)]
            ended = subprocess.run([*RUNNER, *words], env=environment(), capture_output=True, text=True, check=False)
            self.told.lines.append(f"{' '.join(words[:5])}: {ended.returncode} {ended.stderr.strip()[-200:]}")
            if ended.returncode == 0:  # else it is to run again already
                self.asked_again[host, step] += 1
                self.told.held += 1

    def _resolve(self) -> bool:
        """Say of each step that is held what the host saw of it; whether there was any."""
        self._wait_for_hosts()
        found = list(self._open())
        for host, step, item, _ in found:
            name = step if item is None else f"{step}.{item}"
            done = self._counts(host)["end", name] > 0
            words = ["resolve", "last", host, step, "--ok" if done else "--rerun", "--runs-dir", str(self.runs)]
            words += ["--item", str(item)] if item is not None else []
            ended = subprocess.run([*RUNNER, *words], env=environment(), capture_output=True, text=True, check=False)
            self.told.held += 1
            self.told.lines.append(f"{' '.join(words[:5])}: {ended.returncode} {ended.stderr.strip()[-200:]}")
        return bool(found)

    # what the hosts saw

    def _oracle(self, host: str) -> list[list[str]]:
        file = self.folder / "oracle" / host
        return [line.split() for line in file.read_text().splitlines()] if file.exists() else []

    def _counts(self, host: str) -> Counter[tuple[str, str]]:
        return Counter((words[0], words[1]) for words in self._oracle(host))

    def _wait_for_hosts(self) -> None:
        """Until nothing of the run is at work on the hosts any more."""
        end = time.monotonic() + 20
        while self._at_work() and time.monotonic() < end:
            time.sleep(0.02)  # asks again; nothing depends on how long this is

    def _at_work(self) -> list[int]:
        """Processes that name this run's folder."""
        found = []
        for entry in Path("/proc").iterdir():
            with contextlib.suppress(OSError):
                if entry.name.isdigit() and str(self.folder).encode() in (entry / "cmdline").read_bytes():
                    found.append(int(entry.name))
        return found

    # what must hold

    def _check(self) -> None:
        for check in (self._check_steps, self._check_values, self._check_records, self._check_rests):
            try:
                check()
            except Exception as error:  # noqa: BLE001 - told with the seed, like all that is wrong
                self.told.problems.append(f"{check.__name__}: {type(error).__name__}: {error}")

    def _check_steps(self) -> None:
        """Nothing ran twice, and nothing is missing."""
        counts = {host: self._counts(host) for host in self.shape.hosts}
        for one in self.shape.wanted:
            ends, begins = (
                [counts[host][what, one.step] - self.asked_again[host, one.step] for host in self.shape.hosts]
                for what in ("end", "begin")
            )
            self.told.steps += sum(ends)
            if one.once:
                _same(one.step, sum(ends), self._waves() if one.once == "wave" else 1)
                _same(one.step, begins, ends)
            elif one.again:
                _same(one.step, [number > 0 for number in ends], [True] * len(ends))
            else:
                _same(one.step, ends, [1] * len(ends))
            if not (one.once or one.again or one.cut):
                _same(f"begins of {one.step}", begins, [one.tries] * len(begins))

    def _waves(self) -> int:
        plays = json.loads((self._run() / "plan.json").read_bytes())["plays"]
        return len(plays[0]["waves"])

    def _check_values(self) -> None:
        """What a step was given is what another one printed on that host, and is there once."""
        events = [event for _, _, event in read(self._run() / "events.jsonl")]
        ended = [event for event in events if isinstance(event, StepEnded)]
        cancelled = {(event.host, event.step) for event in ended if event.status == "cancelled"}
        for one in self.shape.wanted:
            for host in self.shape.hosts if one.uses else ():
                lines = self._oracle(host)
                printed = {words[2] for words in lines if words[:2] == ["end", one.uses]}
                given = {words[2] if words[2:] else "" for words in lines if words[:2] == ["begin", one.step]}
                missing = {""} if (host, one.uses) in cancelled else set()  # it had not begun then, and printed nothing
                assert given <= printed | missing, (one.step, host, given, printed)

    def _check_records(self) -> None:
        """The journal is whole, the summary says what the hosts saw, and no secret is anywhere."""
        run = self._run()
        assert verify(run / "events.jsonl").torn == 0
        summary = json.loads((run / "summary.json").read_bytes())
        well = {*summary["hosts"].get("ok", ()), *summary["hosts"].get("changed", ())}
        _same("hosts that are well", well, set(self.shape.hosts))
        assert self._past().ended is not None
        assert not list(self._open())
        for file in self.folder.rglob("*"):
            if file.is_file():
                assert CANARY.encode() not in file.read_bytes(), file

    def _check_rests(self) -> None:
        """Nothing is left: no process, no temporary file, no record on a host."""
        left = self._at_work()
        for pid in left:
            end_process(pid)
        _same("processes", left, [])
        _same("temporary files", [file.name for file in self._run().rglob(".*") if file.is_file()], [])
        left = self._records_left()
        assert not left or "may have left records on hosts" in (self.folder / "log").read_text(), left

    def _records_left(self) -> list[str]:
        """Records that are left on hosts and that nobody was told of, by name."""
        said = (self.folder / "log").read_text()
        first = self._past().first
        assert first is not None
        found = []
        for host in self.shape.hosts:
            for file in Path("/tmp").glob(f"{prefix_of(first.token, host)}*"):
                if str(file) not in said:
                    found.append(f"{host} {file.name[-26:]}: {file.read_text()}")
                file.unlink()
        return found


def _same(what: str, found: object, wanted: object) -> None:
    assert found == wanted, f"{what}: {found}, not {wanted}"


def kill(sshd: Sshd, folder: Path, seed: int) -> Told:
    """Tell the run of a seed."""
    return Killing(sshd, folder, seed).tell()


def text_of(told: Told, shape: Mapping[str, Any]) -> str:
    """A run, for people."""
    return "\n".join([json.dumps(shape, indent=1), *told.lines, *told.problems])


if __name__ == "__main__":
    place = Path(os.environ.get("TMPDIR", "/tmp")) / f"crash-{os.getpid()}"
    with Sshd() as server:
        one = Killing(server, place, int(sys.argv[1]))
        print(text_of(one.tell(), one.shape.playbook))
        print(f"its files are in {place}")
