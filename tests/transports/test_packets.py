"""What goes over the wire beside what is asked for."""

import asyncssh
import pytest

from runner.transports.ssh_connection import Wire


@pytest.mark.parametrize(
    ("cipher", "sent"), [("aes128-gcm@openssh.com", [94]), ("aes256-ctr", [94]), ("aes128-cbc", [2, 94])]
)
def test_empty_packets_go_only_where_they_guard_something(cipher, sent, monkeypatch):
    """The library puts one before each packet; but for CBC it doubles what is sent, for nothing."""
    packets = []
    monkeypatch.setattr(asyncssh.SSHClientConnection, "send_packet", lambda _, kind, *__, **___: packets.append(kind))
    wire = Wire.__new__(Wire)
    monkeypatch.setattr(Wire, "get_extra_info", lambda *_: cipher)

    wire.send_packet(2, b"\0\0\0\0")
    wire.send_packet(94, b"data")

    assert packets == sent
