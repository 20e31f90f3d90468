"""The index over known_hosts text, alone and against what ssh-keygen says."""

import base64
import hashlib
import hmac
import shutil
import subprocess
import time
from types import SimpleNamespace

import pytest

from runner import known_hosts
from runner.known_hosts import KnownHosts, fingerprint, types_of, written_name


def key(seed: int, kind: str = "ssh-ed25519") -> str:
    """A public key that differs for each seed; no one has the private one."""
    body = hashlib.sha256(str(seed).encode()).digest()
    parts = [kind.encode(), body]
    return f"{kind} {base64.b64encode(b''.join(len(p).to_bytes(4, 'big') + p for p in parts)).decode()}"


def hashed(name: str, salt: bytes = b"x" * 20) -> str:
    """A name as HashKnownHosts writes it."""
    digest = hmac.digest(salt, name.encode(), "sha1")
    return f"|1|{base64.b64encode(salt).decode()}|{base64.b64encode(digest).decode()}"


def known(*lines: str) -> KnownHosts:
    """An index over some lines."""
    index = KnownHosts()
    index.read("\n".join(lines) + "\n", "kh")
    return index


def trusted(index: KnownHosts, host: str, port: int = 22) -> list[str]:
    """The keys that are trusted for a host."""
    return [entry.key for entry in index.lookup(host, port).trusted]


def test_plain_name_is_found_with_its_line():
    """A host's key is found by its name, in any case, with the file and line it stands on."""
    index = known("# a comment", "", f"web1,10.0.0.1 {key(1)} comment", f"web2 {key(2)}")

    found = index.lookup("WEB1")

    assert [entry.key for entry in found.trusted] == [key(1)]
    assert [str(entry) for entry in found.lines] == ["kh:3"]
    assert trusted(index, "10.0.0.1") == [key(1)]
    assert trusted(index, "web3") == []


def test_a_port_stands_in_brackets():
    """A host on another port is known by its own line; where there is none, by its name alone, which proves less."""
    index = known(f"[web1]:2222 {key(1)}", f"web1 {key(2)}", f"web2 {key(3)}")

    assert trusted(index, "web1", 2222) == [key(1)]
    assert trusted(index, "web1") == [key(2)]
    assert trusted(index, "web2", 2222) == [key(3)]
    assert index.lookup("web1", 2222).changed
    assert not index.lookup("web2", 2222).changed


def test_hashed_names_are_found():
    """A hashed line answers for its name, several lines for one name too, and with a port."""
    index = known(
        f"{hashed('web1')} {key(1)}", f"{hashed('web1', b'y' * 20)} {key(2)}", f"{hashed('[web2]:2222')} {key(3)}"
    )

    assert index.slow
    assert trusted(index, "web1") == [key(1), key(2)]
    assert trusted(index, "web1") == [key(1), key(2)]
    assert trusted(index, "web2", 2222) == [key(3)]
    assert trusted(index, "web2") == []

    index.read(f"{hashed('web2')} {key(4)}", "kh", 4)

    assert trusted(index, "web2") == [key(4)]


@pytest.mark.parametrize(
    ("names", "host", "matches"),
    [
        ("*.example.com", "a.example.com", True),
        ("*.example.com", "example.com", False),
        ("web?", "web1", True),
        ("web?", "web12", False),
        ("*.example.com,!bad.example.com", "bad.example.com", False),
        ("*.example.com,!bad.example.com", "good.example.com", True),
        ("!web1", "web2", False),
        ("10.0.*", "10.0.3.4", True),
        ("web.", "webx", False),
    ],
)
def test_patterns(names, host, matches):
    """Patterns and negations mean what sshd(8) says."""
    assert bool(trusted(known(f"{names} {key(1)}"), host)) is matches


def test_markers_give_roles():
    """Certificate authorities and revoked keys are no trusted keys; a revoked one counts with and without the port."""
    index = known(f"@cert-authority *.prod {key(1)}", f"@revoked * {key(2)}", f"[a.prod]:22022 {key(3)}")

    found = index.lookup("a.prod", 22022)

    assert [entry.key for entry in found.cas] == []
    assert [entry.key for entry in found.revoked] == [key(2)]
    assert [entry.key for entry in index.lookup("a.prod").cas] == [key(1)]
    assert index.lookup("a.prod").trusted == ()


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("web1 ssh-ed25519", "a name, a key type and a key are needed"),
        ("web1 ssh-ed25519 !!!!", "the key is not base64"),
        (f"web1 ssh-rsa {key(1).split()[1]}", 'the key is not of type "ssh-rsa"'),
        (f"@trusted web1 {key(1)}", "unknown marker"),
        (f"|1|abc {key(1)}", "the hashed name is damaged"),
        (f"{hashed('web1').replace('|1|', '|2|')} {key(1)}", 'unknown kind of hashed name "2"'),
    ],
)
def test_bad_lines_are_reported_and_trust_nothing(line, why):
    """A damaged line is named by file and number, the others still count, and nothing is trusted because of it."""
    index = known(f"web0 {key(0)}", line)

    assert [str(bad) for bad in index.bad] == [f"kh:2: {why}"]
    assert trusted(index, "web1") == []
    assert trusted(index, "web0") == [key(0)]


def test_ten_thousand_hosts_are_quick():
    """Looking up every one of 10,000 plain hosts is linear: far below what one scan a host would take."""
    index = known(*(f"web{i} {key(i)}" for i in range(10_000)))

    start = time.perf_counter()
    found = sum(len(index.lookup(f"web{i}").trusted) for i in range(10_000))

    assert found == 10_000
    assert time.perf_counter() - start < 2


def test_hashed_lines_of_a_fleet_are_tried_as_seldom_as_can_be(monkeypatch):
    """A name is tried once, and a line no more once it has been somebody's: half of all pairs, two hashes for each."""
    names = [f"web{i}" for i in range(400)]
    index = known(*(f"{hashed(name, name.encode() * 2)} {key(i)}" for i, name in enumerate(names)))
    hashes = []

    def sha1(data):
        hashes.append(1)
        return hashlib.sha1(data)

    monkeypatch.setattr(known_hosts, "hashlib", SimpleNamespace(sha1=sha1, sha256=hashlib.sha256))
    assert all(len(index.lookup(name).trusted) == 1 for name in names)
    assert len(hashes) <= 400 * 401

    hashes.clear()
    assert all(len(index.lookup(name).trusted) == 1 for name in names)
    assert hashes == []


def test_ten_thousand_hashed_lines_hold_nobody_up():
    """A look-up goes through them in some milliseconds of this machine's time, whatever their order."""
    index = known(*(f"{hashed(f'web{i}', f'salt{i}'.encode())} {key(0)}" for i in range(10_000)))

    begun = time.process_time()
    found = [len(index.lookup(f"web{i}").trusted) for i in range(0, 10_000, 500)]

    assert found == [1] * 20
    assert time.process_time() - begun < 20 * 0.06


def test_hashed_lines_that_are_added_later_are_found():
    """Another process writes hashed lines: a name that was looked up before is tried with the new ones alone."""
    index = known(f"{hashed('web1')} {key(1)}", f"{hashed('web2', b'y' * 70)} {key(2)}")
    assert trusted(index, "web1") == [key(1)]
    assert trusted(index, "web3") == []

    index.read(f"{hashed('web1', b'z')} {key(3)}\n@revoked {hashed('web2')} {key(2)}\n", "kh", 3)

    assert trusted(index, "web1") == [key(1), key(3)]
    assert trusted(index, "web2") == [key(2)]
    assert [entry.line for entry in index.lookup("web2").revoked] == [4]


@pytest.mark.parametrize("names", ["web1", hashed("web1")])
def test_a_key_revoked_without_its_port_is_revoked_with_it(names):
    """Though the host is known with its port, by a plain or a hashed line."""
    index = known(f"[web1]:2222 {key(1)}", f"{hashed('[web2]:2222', b'z')} {key(2)}", f"@revoked {names} {key(1)}")

    assert [entry.key for entry in index.lookup("web1", 2222).revoked] == [key(1)]
    assert trusted(index, "web2", 2222) == [key(2)]


def test_equal_keys_count_once():
    """A key on two lines is one key, the first line's."""
    index = known(f"web1 {key(1)}", f"web* {key(1)}", f"web1 {key(2, 'ssh-dss')}")

    found = index.lookup("web1").trusted

    assert [entry.line for entry in found] == [1, 3]
    assert list(types_of(found)) == ["ssh-ed25519", "ssh-dss"]


@pytest.mark.parametrize("name", ["", "a b", "a,b", "*", "a\nb", "|1|x", "[a]"])
def test_names_that_mean_something_else_are_refused(name):
    """A name that would be a pattern, a list or a second line can't be written into the file."""
    with pytest.raises(ValueError, match="can't stand in a known_hosts file"):
        written_name(name)


def test_written_names():
    """The port is written where it is not the usual one."""
    assert written_name("Web1") == "web1"
    assert written_name("fe80::1", 2222) == "[fe80::1]:2222"


@pytest.mark.skipif(not shutil.which("ssh-keygen"), reason="no ssh-keygen here: install openssh-client")
def test_agrees_with_ssh_keygen(tmp_path):
    """ssh-keygen hashes a file and prints fingerprints; the index finds the same keys and prints the same."""
    file = tmp_path / "kh"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", tmp_path / "k"], check=True)
    public = " ".join((tmp_path / "k.pub").read_text().split()[:2])
    file.write_text(f"[web1]:2222 {public}\n")
    subprocess.run(["ssh-keygen", "-q", "-H", "-f", file], check=True, capture_output=True)
    printed = subprocess.run(["ssh-keygen", "-l", "-f", tmp_path / "k.pub"], check=True, capture_output=True, text=True)

    index = KnownHosts()
    index.read(file.read_text(), str(file))

    assert "|1|" in file.read_text()
    assert trusted(index, "web1", 2222) == [public]
    assert fingerprint(public) == printed.stdout.split()[1]
