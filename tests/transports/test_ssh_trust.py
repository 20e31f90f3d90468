"""Host keys against a real OpenSSH server: known, unknown, changed, new, certified, revoked."""

import asyncio
import fcntl
import multiprocessing
import os
import stat
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor

import asyncssh
import pytest
import yaml
from commandline import project, runner
from ssh_support import context, host

from runner.errors import ConnectError
from runner.known_hosts import fingerprint
from runner.transports import ssh, ssh_trust
from runner.transports.ssh_trust import Store

OTHER = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f"

pytestmark = pytest.mark.sshd


async def connect(folder, *hosts, warnings=None):
    """Connect to all hosts at the same time and close again; what went wrong with each, or None."""
    async with ssh.start(context(folder, warnings=warnings)) as transport:

        async def one(host):
            session = await transport.connect(host)
            await session.close()

        return await asyncio.gather(*map(one, hosts), return_exceptions=True)


def outcome(folder, *hosts, **more):
    """The ConnectError of the first host, or None where all went well."""
    results = asyncio.run(connect(folder, *hosts, **more))
    bad = [result for result in results if result is not None]
    assert all(isinstance(result, ConnectError) for result in bad), bad
    return bad[0] if bad else None


def other_key(kind="ssh-ed25519"):
    """A key that is not the server's."""
    return asyncssh.generate_private_key(kind).export_public_key().decode().strip()


def test_unknown_key_is_refused_with_the_way_to_trust_it(sshd, tmp_path):
    """Nothing is sent to a host whose key nobody knows; the message has the fingerprint, the hint a command."""
    file = tmp_path / "kh"
    before = sshd.authentications()

    error = outcome(tmp_path, host("web1", "127.0.0.2", **sshd.options(known_hosts=str(file))))

    assert (error.cause, error.temporary) == ("host_key", False)
    assert f'the host key of "127.0.0.2" port {sshd.port} is not known' in error.message
    assert fingerprint(sshd.host_key) in error.message
    assert sshd.authentications() == before
    assert not file.exists()

    subprocess.run(error.hint.partition("trust it: ")[2], shell=True, check=True)
    assert outcome(tmp_path, host("web1", "127.0.0.2", **sshd.options(known_hosts=str(file)))) is None


@pytest.mark.parametrize("policy", ["strict", "accept-new"])
def test_changed_key_is_refused_loudly(policy, sshd, tmp_path):
    """A host that shows another key than the known one is refused under both policies, and the file stays as it is."""
    file = tmp_path / "kh"
    old = other_key()
    file.write_text(f"# ours\n[127.0.0.2]:{sshd.port} {old}\n")
    text = file.read_text()

    error = outcome(tmp_path, host("web1", "127.0.0.2", **sshd.options(known_hosts=str(file), host_key_policy=policy)))

    assert error.cause == "host_key"
    assert "HAS CHANGED" in error.message
    assert fingerprint(old) in error.message
    assert fingerprint(sshd.host_key) in error.message
    assert f"{file}:2" in error.message
    assert "ssh-keygen -R" in error.hint
    assert file.read_text() == text


def test_another_type_of_key_is_a_changed_key(sshd, tmp_path):
    """Where a key of another type is known, a new type is not taken for a new host, not even with accept-new."""
    file = tmp_path / "kh"
    file.write_text(f"[127.0.0.2]:{sshd.port} {other_key('ecdsa-sha2-nistp256')}\n")
    one = host("web1", "127.0.0.2", **sshd.options(known_hosts=str(file), host_key_policy="accept-new"))

    assert "HAS CHANGED" in outcome(tmp_path, one).message


def test_known_type_is_asked_for(sshd_with, tmp_path):
    """Of a host with keys of several types the one that we know is asked for, not the one that is usual."""
    key = asyncssh.generate_private_key("ecdsa-sha2-nistp256")
    path = tmp_path / "host_ecdsa"
    key.write_private_key(str(path))
    path.chmod(0o600)
    server = sshd_with(f"HostKey {path}")
    file = tmp_path / "kh"
    file.write_text(f"[127.0.0.2]:{server.port} {key.export_public_key().decode()}")

    assert outcome(tmp_path, host("web1", "127.0.0.2", **server.options(known_hosts=str(file)))) is None


def test_accept_new_writes_one_line(sshd, tmp_path):
    """Ten simultaneous first connects to one host write its key down once, privately, and others may read on."""
    file = tmp_path / ".ssh" / "kh"
    options = sshd.options(known_hosts=str(file), host_key_policy="accept-new")

    error = outcome(tmp_path, *(host(f"web{i}", "127.0.0.2", **options) for i in range(10)))

    assert error is None
    assert file.read_text() == f"[127.0.0.2]:{sshd.port} {' '.join(sshd.host_key.split()[:2])}\n"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert outcome(tmp_path, host("web1", "127.0.0.2", **sshd.options(known_hosts=str(file)))) is None


def test_accept_new_respects_what_another_process_wrote(sshd, tmp_path):
    """A key that somebody else writes down between our reading and the connect is not written again, or over."""
    file = tmp_path / "kh"
    file.write_text("# no line end")
    options = sshd.options(known_hosts=str(file), host_key_policy="accept-new")

    async def work(line):
        async with ssh.start(context(tmp_path)) as transport:
            await transport._trust.store((str(file),))
            file.write_text(file.read_text() + line)
            session = await transport.connect(host("web1", "127.0.0.2", **options))
            await session.close()

    asyncio.run(work(""))
    assert file.read_text().splitlines()[0] == "# no line end"
    assert len(file.read_text().splitlines()) == 2

    file.write_text("")
    with pytest.raises(ConnectError, match="HAS CHANGED"):
        asyncio.run(work(f"[127.0.0.2]:{sshd.port} {other_key()}\n"))


def test_accept_new_that_cannot_write_refuses(sshd, tmp_path):
    """Where the new key can't be written down, it is not trusted either."""
    (tmp_path / "folder").mkdir()
    (tmp_path / "kh").symlink_to(tmp_path / "folder" / "missing" / "kh")
    one = host("web1", "127.0.0.2", **sshd.options(known_hosts=str(tmp_path / "kh"), host_key_policy="accept-new"))

    assert "cannot write down the new key" in outcome(tmp_path, one).message


def first_contacts(file, key, first):
    """What a process of many that start at the same time does: fifty hosts, half of which others meet as well.

    It is slow just before it writes, when others must not write.
    """
    write = os.write
    os.write = lambda *args: (time.sleep(0.0005), write(*args))[1]
    for number in range(first, first + 50):
        store = Store((file,))
        store.read()
        assert store.append(f"web{number}", 22, key).trusted


@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")  # it has threads; these forks only use files
def test_many_processes_write_one_file_at_the_same_time(tmp_path):
    """Eight of them, a line for each host, whole, and once, though the file had no end of line."""
    file = tmp_path / ".ssh" / "kh"
    file.parent.mkdir()
    file.write_text("# by hand")
    fork = multiprocessing.get_context("fork")
    workers = [fork.Process(target=first_contacts, args=(file, OTHER, index * 25), daemon=True) for index in range(8)]

    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(30)

    assert [worker.exitcode for worker in workers] == [0] * 8
    lines = file.read_text().splitlines()
    assert lines[0] == "# by hand"
    assert sorted(lines[1:]) == sorted(f"web{number} {OTHER}" for number in range(225))


def test_several_runs_meet_the_same_new_hosts(sshd, tmp_path):
    """Three processes of the command line at once, eight hosts that nobody knew: all are let in, by eight lines."""
    file = tmp_path / "kh"
    inventory = sshd.inventory(8, known_hosts=str(file), host_key_policy="accept-new")
    folders = [tmp_path / name for name in ("a", "b", "c")]
    for folder in folders:
        folder.mkdir()
        project(folder, "version: 1\ninventory: hosts.yaml\nhosts: all\nsteps: [ping: {}]\n", yaml.safe_dump(inventory))

    with ThreadPoolExecutor(3) as pool:
        done = list(pool.map(lambda folder: runner("run", "site.yaml", cwd=folder), folders))

    assert [one.code for one in done] == [0, 0, 0], [one.out for one in done]
    key = " ".join(sshd.host_key.split()[:2])
    assert sorted(file.read_text().splitlines()) == sorted(f"[127.0.0.{n}]:{sshd.port} {key}" for n in range(1, 9))


def test_a_full_disk_leaves_no_half_line(tmp_path, monkeypatch):
    """A key that does not fit is not trusted, and nothing of it is left to be taken for a changed one."""
    file = tmp_path / "kh"
    file.write_text("# ours\n")
    store = Store((file,))
    store.read()
    write = os.write
    monkeypatch.setattr(os, "write", lambda descriptor, data: write(descriptor, data[:-9]))

    with pytest.raises(ConnectError, match=r"cannot write down the new key of web1: .*No space left"):
        store.append("web1", 22, OTHER)
    assert file.read_text() == "# ours\n"


def test_a_file_that_stays_locked_is_not_waited_for(tmp_path, monkeypatch):
    """Somebody who holds the lock for good does not hold up all other hosts."""
    monkeypatch.setattr(ssh_trust, "LOCK_WAIT", 0.05)
    file = tmp_path / "kh"
    file.touch()
    store = Store((file,))

    with file.open() as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        with pytest.raises(ConnectError, match="cannot write down the new key"):
            store.append("web1", 22, OTHER)
    assert store.append("web1", 22, OTHER).trusted


@pytest.mark.parametrize("policy", ["strict", "accept-new"])
def test_a_key_that_is_swapped_within_a_run_is_refused(policy, sshd_with, tmp_path):
    """A host that comes back with another key is not the one that was trusted, nor is it met for the first time."""
    server = sshd_with()
    file = tmp_path / "kh"
    text = f"[127.0.0.2]:{server.port} {server.host_key}\n" if policy == "strict" else ""
    file.write_text(text)
    one = host("web1", "127.0.0.2", **server.options(known_hosts=str(file), host_key_policy=policy))
    old = fingerprint(server.host_key)

    async def work():
        async with ssh.start(context(tmp_path)) as transport:
            await (await transport.connect(one)).close()
            server.stop()
            server.new_host_key()
            assert server.start()
            await transport.connect(one)

    with pytest.raises(ConnectError, match="HAS CHANGED") as caught:
        asyncio.run(work())
    assert old in caught.value.message
    assert fingerprint(server.host_key) in caught.value.message
    assert f"{file}:1" in caught.value.message


def test_two_names_of_one_address_are_two_hosts(sshd, tmp_path):
    """Who controls names must not choose among the keys we trust: each name needs its own line, or an alias."""
    file = tmp_path / "kh"
    file.write_text(f"[127.0.0.1]:{sshd.port} {sshd.host_key}\n")

    assert outcome(tmp_path, host("a", "127.0.0.1", **sshd.options(known_hosts=str(file)))) is None
    error = outcome(tmp_path, host("b", "localhost", **sshd.options(known_hosts=str(file))))
    assert 'the host key of "localhost"' in error.message
    assert "is not known" in error.message

    file.write_text(f"[localhost]:{sshd.port} {sshd.host_key}\n[127.0.0.1]:{sshd.port} {other_key()}\n")
    assert outcome(tmp_path, host("b", "localhost", **sshd.options(known_hosts=str(file)))) is None
    assert "HAS CHANGED" in outcome(tmp_path, host("a", "127.0.0.1", **sshd.options(known_hosts=str(file)))).message


def test_a_key_of_another_port_is_no_changed_key(sshd, tmp_path):
    """Known under the name alone it may be another server's: it lets in, but another one is unknown, not changed."""
    file = tmp_path / "kh"
    one = host("a", "127.0.0.1", **sshd.options(known_hosts=str(file)))

    file.write_text(f"127.0.0.1 {sshd.host_key}\n")
    assert outcome(tmp_path, one) is None
    file.write_text(f"127.0.0.1 {other_key()}\n")
    assert "is not known" in outcome(tmp_path, one).message


def test_hashed_file_is_understood(sshd, tmp_path):
    """A file with hashed names lets in the host it is about."""
    file = tmp_path / "kh"
    file.write_text(f"[127.0.0.2]:{sshd.port} {sshd.host_key}\n")
    subprocess.run(["ssh-keygen", "-q", "-H", "-f", file], check=True, capture_output=True)

    assert outcome(tmp_path, host("web1", "127.0.0.2", **sshd.options(known_hosts=str(file)))) is None
    assert outcome(tmp_path, host("web1", "127.0.0.3", **sshd.options(known_hosts=str(file)))) is not None


def test_usual_file_is_in_the_home(sshd, tmp_path):
    """Without known_hosts the home's own file counts."""
    (tmp_path / ".ssh").mkdir()
    (tmp_path / ".ssh" / "known_hosts").write_text(f"[127.0.0.2]:{sshd.port} {sshd.host_key}\n")
    options = sshd.options()
    del options["known_hosts"]

    assert outcome(tmp_path, host("web1", "127.0.0.2", **options)) is None


def test_bad_lines_are_told_once(sshd, tmp_path):
    """A damaged line is reported once for all hosts, by file and line, and trusts nothing."""
    file = tmp_path / "kh"
    file.write_text(f"[127.0.0.2]:{sshd.port} ssh-ed25519 damaged!\n[127.0.0.3]:{sshd.port} {sshd.host_key}\n")
    warnings = []
    options = sshd.options(known_hosts=str(file))

    error = outcome(tmp_path, host("a", "127.0.0.2", **options), host("b", "127.0.0.3", **options), warnings=warnings)

    assert "127.0.0.2" in error.message
    assert warnings == [f"lines that are not understood: {file}:1: the key is not base64"]


def test_unreadable_file_is_no_empty_file(sshd, tmp_path):
    """A known_hosts file that can't be read is an error of its own, not a host nobody knows."""
    (tmp_path / "kh").mkdir()

    error = outcome(tmp_path, host("web1", "127.0.0.2", **sshd.options(known_hosts=str(tmp_path / "kh"))))

    assert (error.cause, error.message) == ("host_key", f'cannot read "{tmp_path / "kh"}": Is a directory')


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (os.mkfifo, "it is no regular file"),
        (lambda path: path.symlink_to("/dev/zero"), "it is no regular file"),
        (lambda path: (path.touch(), os.truncate(path, 1 << 40)), "it has 1099511627776 bytes"),
        (lambda path: path.symlink_to(path), "Too many levels of symbolic links"),
    ],
    ids=["FIFO", "device", "terabyte", "link to itself"],
)
def test_what_is_no_known_hosts_file_holds_nobody_up(make, words, tmp_path):
    """Nor is it taken for an empty one, which would know nobody and take everybody for new."""
    make(tmp_path / "kh")
    one = host("web1", "127.0.0.2", port=9, known_hosts=str(tmp_path / "kh"), host_key_policy="accept-new")

    assert f'cannot read "{tmp_path / "kh"}": {words}' in outcome(tmp_path, one).message


def test_revoked_key_is_refused(sshd, tmp_path):
    """A key that is revoked is refused though it is known."""
    file = tmp_path / "kh"
    file.write_text(f"[127.0.0.2]:{sshd.port} {sshd.host_key}\n@revoked * {sshd.host_key}\n")

    error = outcome(tmp_path, host("web1", "127.0.0.2", **sshd.options(known_hosts=str(file))))

    assert error.cause == "host_key"
    assert "revoked" in error.message


@pytest.fixture
def certified(sshd_with, tmp_path):
    """Start a server with a host certificate made by ssh-keygen with some options; its authority's line."""

    def start(*options):
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", tmp_path / "ca"], check=True)
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", tmp_path / "hk"], check=True)
        subprocess.run(
            ["ssh-keygen", "-q", "-s", tmp_path / "ca", "-I", "h", "-h", *options, tmp_path / "hk.pub"],
            check=True,
            capture_output=True,
        )
        server = sshd_with(f"HostKey {tmp_path}/hk", f"HostCertificate {tmp_path}/hk-cert.pub")
        file = tmp_path / "kh"
        file.write_text(f"@cert-authority * {(tmp_path / 'ca.pub').read_text()}")
        return host("web1", "127.0.0.2", **server.options(known_hosts=str(file)))

    return start


def test_certificate_of_a_known_authority_is_trusted(certified, tmp_path):
    """A host that no line names is trusted where an authority we know vouches for it."""
    assert outcome(tmp_path, certified("-n", "127.0.0.2", "-V", "+1d")) is None


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("-n", "127.0.0.2", "-V", "20200101:20200102"), "expired"),
        (("-n", "web9", "-V", "+1d"), "principal"),
    ],
)
def test_certificates_that_prove_nothing(options, words, certified, tmp_path):
    """An expired certificate, and one for another host, are refused, each with its reason."""
    error = outcome(tmp_path, certified(*options))

    assert error.cause == "host_key"
    assert words in error.message
