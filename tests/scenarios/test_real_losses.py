"""Connections that go away under a run: what a step came to is asked for once, and never made up.

Each run is a process of its own, before real OpenSSH servers behind a relay that breaks the connections.
"""

import os
import time
from pathlib import Path
from typing import Any

import pytest
from chaos_proxy import Chaos
from real_runs import Started, begun, counted, until
from sshd import Sshd

pytestmark = pytest.mark.sshd

QUICK: dict[str, Any] = {"keepalive": {"interval": "200ms", "count": 2}, "connect_timeout": "2s"}
"""A silent host is noticed within a second; a login that gets no answer takes two."""


@pytest.mark.parametrize("ways", [(), ("down",), ("up",)], ids=["both ways", "we hear nothing", "we are not heard"])
def test_a_host_that_falls_silent_is_left_to_a_person(sshd: Sshd, ways: tuple[Any, ...], tmp_path: Path) -> None:
    """Signs of life are missed, a new connection gets no answer: unknown, in time, with the words to settle it."""
    with Chaos(sshd.port, hosts=1) as chaos:
        run = Started(tmp_path, counted(tmp_path, "sleep 30"), chaos.inventory(sshd, 1, **QUICK))
        begun(tmp_path)
        start = time.monotonic()
        chaos.pause(*ways)
        done = run.end()

    assert done.code == 6, done.out + done.err
    assert time.monotonic() - start < 15
    assert done.statuses() == {"web01": "unknown"}
    assert f"runner resolve {done.folder.name} web01 work --ok" in done.out
    [ended] = done.events("step.ended")
    assert "keepalive" in ended["reason"]
    assert "the host could not be asked" in ended["reason"]
    assert [record["attempt"] for record in done.events("host.connecting")] == [1, 2]
    assert (tmp_path / "ran").read_text() == "ran\n"


@pytest.mark.parametrize("how", ["reset", "close"])
def test_a_host_that_stays_away_is_tried_once_more(sshd: Sshd, how: str, tmp_path: Path) -> None:
    """The connection is broken and nobody answers any more: it is noticed at once, and one new connection is tried."""
    with Chaos(sshd.port, hosts=1) as chaos:
        run = Started(tmp_path, counted(tmp_path, "sleep 30"), chaos.inventory(sshd, 1, connect_timeout="2s"))
        begun(tmp_path)
        chaos.refuse()
        getattr(chaos, how)()
        done = run.end()

    assert done.code == 6, done.out + done.err
    assert done.statuses() == {"web01": "unknown"}
    assert [record["attempt"] for record in done.events("host.connecting")] == [1, 2]
    assert (tmp_path / "ran").read_text() == "ran\n"


def test_an_upload_that_is_cut_is_done_again_in_the_run(sshd: Sshd, tmp_path: Path) -> None:
    """A copy may run twice: it does so over a new connection, the file is whole, and nothing of the first is left."""
    data = os.urandom(600_000)
    (tmp_path / "new.bin").write_bytes(data)
    place = tmp_path / "host"
    place.mkdir()
    (place / "app.bin").write_text("old")
    steps = f"  - {{id: ready, command: 'true'}}\n  - {{id: upload, copy: {{src: new.bin, dest: {place}/app.bin}}}}\n"
    with Chaos(sshd.port, hosts=1) as chaos:
        chaos.cut(300_000, "up", "rst")
        done = Started(tmp_path, steps, chaos.inventory(sshd, 1)).end()

    assert done.code == 0, done.out + done.err
    assert (place / "app.bin").read_bytes() == data
    assert [file.name for file in place.iterdir()] == ["app.bin"]
    assert len(done.events("host.connected")) == 2
    [decision] = done.events("decision")
    assert (decision["step"], decision["what"], decision["how"]) == ("upload", "rerun", "idempotent")
    [ended] = done.events("step.ended", step="upload")
    assert ended["status"] == "changed"


def test_what_other_hosts_do_is_not_disturbed(sshd: Sshd, tmp_path: Path) -> None:
    """One host of three falls silent: the others end well, and only the one is unknown."""
    with Chaos(sshd.port, hosts=1) as chaos:
        inventory = {"ssh": sshd.options(), "hosts": sshd.inventory(3)["hosts"]}
        inventory["hosts"]["web01"]["ssh"] = chaos.options(sshd, **QUICK)
        one = f"'echo ran >> {tmp_path}/ran-{{{{ host.name }}}}; sleep {{{{ 30 if host.name == \"web01\" else 0.2 }}}}'"
        run = Started(tmp_path, f"  - {{id: work, shell: {one}}}\n  - {{id: after, command: 'true'}}\n", inventory)
        until((tmp_path / "ran-web01").exists, "the step")
        chaos.pause()
        done = run.end()

    assert done.code == 6, done.out + done.err
    assert done.statuses() == {"web01": "unknown", "web02": "changed", "web03": "changed"}
    assert sorted(record["host"] for record in done.events("step.ended", step="after")) == ["web02", "web03"]
