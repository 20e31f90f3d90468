"""The lock on a host: its scripts in every shell of this machine, and what is made of whatever a host answers."""

import json
import os
import secrets
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import shells
from hypothesis import given
from hypothesis import strategies as st

from runner.engine.lock_words import advice
from runner.host_lock import BEAT, LONGEST, RELEASE, TAKE, UNNAMED, Answer, Claim, Owner, answer_of, id_of

ADA = Claim("a" * 16, "r1", "ada", "laptop", "runner lock release site.yaml --host-lock ")
BOB = Claim("b" * 16, "r2", "bob", "desk", "")
ROUNDS = 50


@dataclass
class Machine:
    """A host of this machine that nobody else has, and its shell. ``port`` makes its lock its own."""

    shell: list[str]
    port: int

    @property
    def folder(self) -> Path:
        """Its lock."""
        return Path(f"/var/tmp/.runner-lock-127.77.66.55-{self.port}")

    def start(self, script: str, *args: str, **options) -> subprocess.Popen[bytes]:
        """Start a script there."""
        environ = {"PATH": os.environ["PATH"], "SSH_CONNECTION": f"127.0.0.1 4711 127.77.66.55 {self.port}"}
        words = [*self.shell, "-c", script, "sh", *args]
        return subprocess.Popen(words, env=environ, stdout=subprocess.PIPE, **options)

    def run(self, script: str, *args: str, **options) -> Answer:
        """What a script answers."""
        output, _ = self.start(script, *args, **options).communicate(timeout=20)
        return answer_of(output)

    def take(self, claim: Claim, **options) -> Answer:
        """Ask for it."""
        return self.run(TAKE, claim.id, claim.line, **options)


@pytest.fixture(params=shells.found())
def machine(request: pytest.FixtureRequest) -> Iterator[Machine]:
    """One in each shell."""
    yield from a_machine(request.param)


@pytest.fixture
def sh() -> Iterator[Machine]:
    """One whose shell is that of this machine."""
    yield from a_machine(["/bin/sh"])


def a_machine(shell: list[str]) -> Iterator[Machine]:
    found = Machine(shell, 100_000 + secrets.randbelow(1 << 30))
    yield found
    if found.folder.is_symlink() or found.folder.is_file():
        found.folder.unlink()
    shutil.rmtree(found.folder, ignore_errors=True)


def test_whoever_comes_second_is_told_who_has_it(machine: Machine) -> None:
    """Run, person, machine, since when, and its last sign of life, all by the host's clock."""
    first = machine.take(ADA)
    machine.run(BEAT, ADA.id)
    second = machine.take(BOB)

    assert first == Answer("taken")
    assert second.state == "held"
    assert second.owner is not None
    owner = second.owner
    assert (owner.id, owner.run, owner.user, owner.controller) == (ADA.id, "r1", "ada", "laptop")
    assert owner.age is not None
    assert owner.age < 20
    assert owner.silent is not None
    assert owner.silent <= owner.age
    assert not owner.is_rebooted


def test_a_lock_is_given_back_by_its_id_alone(machine: Machine) -> None:
    """Another id changes nothing; after that, the host is as it was."""
    machine.take(ADA)
    machine.run(BEAT, ADA.id)

    other = machine.run(RELEASE, BOB.id)
    there = machine.folder.exists()
    own = machine.run(RELEASE, ADA.id)
    again = machine.run(RELEASE, ADA.id)

    assert [answer.state for answer in (other, own, again)] == ["gone", "released", "gone"]
    assert there
    assert not machine.folder.exists()
    assert machine.take(BOB) == Answer("taken")


def test_the_run_that_has_it_may_ask_again(machine: Machine) -> None:
    """A later process of it, or another name of the host."""
    assert machine.take(ADA) == Answer("taken")
    assert machine.take(ADA) == Answer("mine")


def test_of_many_that_ask_at_once_one_gets_it(sh: Machine) -> None:
    """Fifty times four processes."""
    ids = [f"{number:016x}" for number in range(4)]
    for _ in range(ROUNDS):
        asking = [sh.start(TAKE, one, ADA.line) for one in ids]
        answers = [answer_of(process.communicate(timeout=20)[0]) for process in asking]
        winner = [one for one, answer in zip(ids, answers, strict=True) if answer.state == "taken"]

        assert len(winner) == 1
        assert {answer.state for answer in answers} == {"taken", "held"}
        assert sh.run(RELEASE, winner[0]).state == "released"


def test_a_lock_whose_maker_did_not_come_to_say_who_it_is(machine: Machine) -> None:
    """Nobody can tell whose it is; it is released under that name, and only as long as nobody has said so."""
    machine.folder.mkdir()

    held = machine.take(ADA)
    released = machine.run(RELEASE, UNNAMED)
    machine.take(ADA)
    refused = machine.run(RELEASE, UNNAMED)

    assert held.owner == Owner(uid=str(os.getuid()))
    assert str(held.owner) == f"a lock without an owner's name (made by user number {os.getuid()} of that host)"
    assert (released.state, refused.state) == ("released", "gone")


@pytest.mark.parametrize("kind", ["link to a folder", "link to nothing", "file"])
def test_what_is_no_folder_is_no_lock(machine: Machine, tmp_path: Path, kind: str) -> None:
    """It is neither followed nor removed: a person has to look."""
    match kind:
        case "link to a folder":
            machine.folder.symlink_to(tmp_path)
        case "link to nothing":
            machine.folder.symlink_to(tmp_path / "none")
        case _:
            machine.folder.touch()

    answer = machine.take(ADA)
    released = machine.run(RELEASE, ADA.id)

    assert answer == Answer("cannot", reason=f"{machine.folder} is there and is no folder; remove it")
    assert released.state == "gone"
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(os.getuid() != 0, reason="giving files away needs root")
def test_a_lock_of_another_user_of_the_host_is_not_taken_over(sh: Machine) -> None:
    """Not even where it has our id; and who has no right to it can't release it."""
    sh.take(ADA)
    os.chown(sh.folder, 4321, 4321)

    ours = sh.take(ADA)
    released = sh.run(RELEASE, ADA.id, user=1234, group=1234, extra_groups=[])

    assert ours.state == "held"
    assert ours.owner is not None
    assert ours.owner.uid == "4321"
    assert released.state == "cannot"
    assert "ermi" in released.reason  # permission denied, or operation not permitted
    assert (sh.folder / f"owner.{ADA.id}").exists()


def test_an_owner_file_of_any_kind_is_read_with_care(machine: Machine, tmp_path: Path) -> None:
    """Links and pipes are passed over, so nothing hangs and no other file is shown; a long one is cut."""
    (tmp_path / "precious").write_text('{"run": "precious"}\n')
    machine.folder.mkdir()
    os.mkfifo(machine.folder / f"owner.{'0' * 16}")
    (machine.folder / f"owner.{'1' * 16}").symlink_to(tmp_path / "precious")
    (machine.folder / f"owner.{'2' * 16}").write_text("x" * 1_000_000)
    os.mkfifo(machine.folder / f"beat.{'2' * 16}")

    answer = machine.take(ADA)

    assert answer.owner == Owner(id="2" * 16, uid=str(os.getuid()))


def test_a_host_that_was_started_anew_is_told_of(machine: Machine) -> None:
    """The lock stays: only a person knows whether the run goes on elsewhere."""
    machine.take(ADA)
    owner = machine.folder / f"owner.{ADA.id}"
    owner.write_text(f"{ADA.line}\nsince 100\nboot 00000000-1111\n")

    answer = machine.take(BOB)

    assert answer.state == "held"
    assert str(answer.owner).endswith("; the host was started anew since, so that run may be dead")


def test_a_host_without_a_place_for_it_says_why(sh: Machine) -> None:
    """The words are the host's."""
    script = TAKE.replace("d=/var/tmp; [ -d $d ] && [ -w $d ] || d=/tmp", "d=/proc")

    answer = sh.run(script, ADA.id, ADA.line)

    assert answer.state == "cannot"
    assert "/proc/.runner-lock" in answer.reason


@pytest.mark.parametrize(
    ("connection", "name"),
    [
        ("", ".runner-lock"),
        ("10.0.0.9 50000 10.0.0.5 22", ".runner-lock"),
        ("127.0.0.1 50000 127.0.0.1 22", ".runner-lock"),
        ("fe80::1%eth0 50000 fe80::2%eth0 22", ".runner-lock"),
        ("127.0.0.1 50000 127.0.0.2 2222", ".runner-lock-127.0.0.2-2222"),
        ("127.0.0.1 50000 127.0.0.2/../../etc 2222", ".runner-lock"),
    ],
)
@pytest.mark.parametrize("shell", shells.found())
def test_a_machine_has_one_lock_by_whatever_address(shell: list[str], connection: str, name: str) -> None:
    """But a machine with many addresses in 127.0.0.0/8 plays many hosts; a tunnel's end, 127.0.0.1, is none of them."""
    script = TAKE[: TAKE.index("o=$d")] + "echo $d"

    done = subprocess.run(
        [*shell, "-c", script],
        env={"SSH_CONNECTION": connection, "PATH": os.environ["PATH"]},
        capture_output=True,
        check=True,
    )

    assert done.stdout.decode() == f"/var/tmp/{name}\n"


HELD = "held /var/tmp/.runner-lock\nnow 1000\nbooted b1\nuid 7\nid aaaaaaaaaaaaaaaa\n"


@pytest.mark.parametrize(
    ("more", "words"),
    [
        (
            'beat 988\nowner {"run": "r1", "user": "ada", "controller": "c"}\nsince 880\nboot b1\n',
            "run r1 of ada on c, since 2m; its last sign of life is 12s old",
        ),
        (
            'owner {"run": "r1", "user": "ada", "controller": "c"}\nsince 880\nboot b1\n',
            "run r1 of ada on c, since 2m; no sign of life for 2m, so that run may be dead",
        ),
        ("owner {\nsince 2000\nboot -\n", "run ? of ? on ?, since 0s; its last sign of life is 0s old"),
        ("owner [1]\nsince yesterday\n", "run ? of ? on ?"),
        ('owner {"run": 7, "user": null}\nsince 99999999999999\n', "run ? of ? on ?"),
    ],
)  # fmt: skip
def test_what_stands_in_an_owner_s_file_informs_only(more: str, words: str) -> None:
    """A clock that was put back, and a file that somebody else has written, mean nothing."""
    answer = answer_of((HELD + more).encode())

    assert answer.state == "held"
    assert str(answer.owner) == words


@given(st.one_of(st.binary(), st.builds(lambda text: b"held x\nid " + text, st.binary()), st.builds(
    lambda key, value: f"{HELD}{key} {value}".encode("utf-8", "replace"), st.sampled_from(["owner", "since", "beat"]),
    st.one_of(st.text(), st.recursive(st.none() | st.integers() | st.text(), st.lists).map(json.dumps)))))  # fmt: skip
def test_any_answer_is_borne(output: bytes) -> None:
    """A host may say what it likes: there is an answer, and its words are short."""
    answer = answer_of(output)

    assert answer.state in {"taken", "mine", "held", "released", "gone", "cannot"}
    assert len(answer.reason) + len(str(answer.owner)) < 1000


@pytest.mark.parametrize(
    "run", ["x; touch /tmp/x", "$(reboot)", "r1\n", "-h", "a b", "`id`", "r1 --runs-dir=/tmp", "é", ""]
)
def test_a_host_puts_no_words_into_a_command_that_people_copy(run: str) -> None:
    """It may say that the lock is one of this machine: what it calls the run is a run's id, or is left out."""
    told = {"run": run, "user": "ada", "controller": ADA.controller}
    answer = answer_of(b"held /x\nid " + b"c" * 16 + b"\nowner " + json.dumps(told).encode() + b"\n")

    assert str(answer.owner).startswith("run ? of ada")
    assert advice([answer], ADA) == f"where that run is surely over: {ADA.release}{'c' * 16}"


def test_the_run_of_this_machine_that_has_it_can_be_gone_on_with() -> None:
    """The words to type name it."""
    told = {"run": "20261121-094501-k3f9", "user": "ada", "controller": ADA.controller}
    answer = answer_of(b"held /x\nid " + b"c" * 16 + b"\nowner " + json.dumps(told).encode() + b"\n")

    assert advice([answer], ADA).endswith("or go on with it: runner resume 20261121-094501-k3f9")


def test_an_endless_answer_is_cut() -> None:
    """No more than a few thousand bytes are looked at."""
    assert len(answer_of(b"cannot " + b"x" * 10_000_000).reason) <= LONGEST


def test_the_id_comes_from_the_token_of_the_run() -> None:
    """Whoever goes on with the run has it, and it does not show the token."""
    assert id_of("t1") == id_of("t1") != id_of("t2")
    assert len(id_of("t1")) == 16
    assert json.loads(ADA.line) == {"run": "r1", "user": "ada", "controller": "laptop"}
