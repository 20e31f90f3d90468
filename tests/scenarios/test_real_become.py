"""Another user through a real sudo, gateways, and keys, over real OpenSSH servers and the command line."""

import json
from pathlib import Path

import pytest
from commandline import project, runner
from sshd import Sshd, User

pytestmark = [pytest.mark.sshd, pytest.mark.sudo]

WHOAMI = """
version: 1
inventory: hosts.yaml
secrets: {{pw: {{env: SUDO_PASSWORD}}}}
hosts: all
become: {become}
steps:
  - command: whoami
  - copy: {{content: "for root alone\\n", dest: {folder}/secret-file, mode: "0600"}}
  - {{command: whoami, become: false}}
"""


def who(folder: Path, server: Sshd, become: str, **environ: str):
    project(folder, WHOAMI.format(become=become, folder=folder), server.inventory_text(1))
    return runner("run", "site.yaml", cwd=folder, **environ)


def said(done) -> list[str]:
    """What the commands printed, in order of their names."""
    return [path.read_text().strip() for path in sorted((done.folder / "output/web01").glob("command*.out"))]


def test_sudo_without_a_password(sudo_user: User, sshd_with, tmp_path: Path) -> None:
    """Steps run as root, files belong to root, and a step may stay the login user."""
    done = who(tmp_path, sshd_with(user=sudo_user.name), "true", SUDO_PASSWORD="unused")

    assert done.code == 0, done.err
    assert said(done) == [sudo_user.name, "root"]
    assert (tmp_path / "secret-file").owner() == "root"


def test_sudo_with_a_password_from_a_secret(sudo_password_user: User, sshd_with, tmp_path: Path) -> None:
    """The prompt is answered, and the password is in nothing that the run leaves behind."""
    server = sshd_with(user=sudo_password_user.name)

    done = who(
        tmp_path, server, '{user: root, password: "{{ secrets.pw }}"}', SUDO_PASSWORD=sudo_password_user.password
    )

    assert done.code == 0, done.out + done.err
    assert said(done) == [sudo_password_user.name, "root"]
    left = [path.read_text(errors="replace") for path in done.folder.rglob("*") if path.is_file()]
    assert not any(sudo_password_user.password in text for text in [*left, done.out, done.err])


def test_a_wrong_sudo_password_fails_the_step_and_says_so(sudo_password_user: User, sshd_with, tmp_path: Path) -> None:
    """One try, a clear word, and no hanging."""
    server = sshd_with(user=sudo_password_user.name)

    done = who(tmp_path, server, '{user: root, password: "{{ secrets.pw }}"}', SUDO_PASSWORD="not the password")

    [ended] = done.events("step.ended")
    assert done.code == 1
    once = "it was tried once and is not tried again in this run"
    assert (ended["status"], ended["reason"]) == ("failed", f"sudo password rejected; {once}")
    assert done.events("step.intent") == []


def test_ten_hosts_behind_a_chain_of_gateways_share_its_connections(sshd_with, tmp_path: Path) -> None:
    """Ten hosts behind two gateways: each gateway is logged in to once."""
    first, second, farm = sshd_with(), sshd_with(), sshd_with()
    inventory = farm.inventory(10, jump=["outer", "inner"])
    for name, server in (("outer", first), ("inner", second)):
        inventory["hosts"][name] = {"address": "127.0.0.1", "ssh": {**server.options(), "jump": "none"}}
    play = "version: 1\ninventory: hosts.yaml\nhosts: web*\nsteps: [{command: 'true'}]\n"
    project(tmp_path, play, json.dumps(inventory))

    done = runner("run", "site.yaml", cwd=tmp_path)

    assert done.code == 0, done.out + done.err
    assert (first.authentications(), second.authentications(), farm.authentications()) == (1, 1, 10)


def test_a_gateway_that_refuses_is_named(sshd_with, tmp_path: Path) -> None:
    """The host behind it is unreachable, and the message says which hop."""
    farm = sshd_with()
    inventory = farm.inventory(1, jump="outer")
    inventory["hosts"]["outer"] = {"address": "127.0.0.1", "ssh": {"port": 1, "jump": "none"}}
    play = "version: 1\ninventory: hosts.yaml\nhosts: web*\nsteps: [{command: 'true'}]\n"
    project(tmp_path, play, json.dumps(inventory))

    done = runner("run", "site.yaml", cwd=tmp_path)

    [lost] = done.events("host.lost")
    assert done.code == 4
    assert lost["host"] == "web01"
    assert "outer" in lost["reason"]


def test_a_step_that_is_to_end_with_its_connection_is_unknown(sshd_with, tmp_path: Path) -> None:
    """Its process group is ended on the host, nobody knows how far it came: exit status 6, and it is not sent again."""
    server = sshd_with()
    step = f'"echo x >> {tmp_path}/ran; kill -9 $(ps -o ppid= -p $PPID); sleep 30; echo y >> {tmp_path}/ran"'
    keys = "on_disconnect: kill, retry: {attempts: 3}"
    play = f"version: 1\ninventory: hosts.yaml\nhosts: all\nsteps: [{{shell: {step}, {keys}}}]\n"
    project(tmp_path, play, server.inventory_text(1))

    done = runner("run", "site.yaml", cwd=tmp_path)

    assert done.code == 6, done.out
    assert done.statuses() == {"web01": "unknown"}
    assert (tmp_path / "ran").read_text() == "x\n"
