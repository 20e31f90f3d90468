"""Peers that go wrong between the keys and the login: services, floods, rekeying, banners, and each way to log in."""

import asyncio
import os
from collections.abc import Callable
from typing import Any

from asyncssh.constants import (
    MSG_CHANNEL_DATA,
    MSG_CHANNEL_OPEN,
    MSG_DEBUG,
    MSG_DISCONNECT,
    MSG_EXT_INFO,
    MSG_GLOBAL_REQUEST,
    MSG_IGNORE,
    MSG_NEWKEYS,
    MSG_REQUEST_SUCCESS,
    MSG_SERVICE_ACCEPT,
    MSG_SERVICE_REQUEST,
    MSG_UNIMPLEMENTED,
    MSG_USERAUTH_BANNER,
    MSG_USERAUTH_FAILURE,
    MSG_USERAUTH_REQUEST,
    MSG_USERAUTH_SUCCESS,
)
from asyncssh.packet import Boolean, NameList, SSHPacket, String, UInt32
from cases import Case
from peers import Behaviour, Peer

PK_OK = CHANGE = INFO = 60
"""What the number means depends on the method that is being tried (RFC 4252, section 6)."""

INFO_RESPONSE = 61
ESCAPES = "\x1b]0;owned\x07\x9b2J\r\nLOGIN OK\u202e"

Act = Callable[[Peer], Any]


def at(kind: int, *acts: Act, auth: bool = True) -> Behaviour:
    """Does something when a packet of that type comes."""

    def answer(peer: Peer, _: SSHPacket) -> None:
        for act in acts:
            act(peer)

    return Behaviour(answers={kind: answer}, auth=auth)


def sends(kind: int, *parts: bytes) -> Act:
    """Sends a packet, whatever the state of things."""

    def act(peer: Peer) -> None:
        held, peer._auth_complete, peer._auth_in_progress = peer._auth_complete, True, True
        peer.send_packet(kind, *parts)
        peer._auth_complete = held

    return act


def again(*acts: Act, every: float = 0.01, times: int = 20) -> Act:
    """Does it over and over, so many times at once, until the client goes."""

    def act(peer: Peer) -> None:
        if peer._transport is None or peer.is_closed():
            return
        if peer._transport.get_write_buffer_size() < 1 << 20:
            for one in acts * times:
                one(peer)
        asyncio.get_running_loop().call_later(every, act, peer)

    return act


def rekeys(peer: Peer) -> None:
    """Begins a key exchange, if none goes on."""
    if not peer._kex and not peer._kexinit_sent:
        peer._send_kexinit()
        peer._kexinit_sent = True


def bytes_(data: bytes) -> Act:
    """Bytes on the wire that are no packet."""
    return lambda peer: peer.by_hand(data)


def accept(peer: Peer) -> None:
    """Accepts the service."""
    peer.send_packet(MSG_SERVICE_ACCEPT, String("ssh-userauth"))


def disconnects(code: int, words: str = ESCAPES) -> Act:
    """Says that it disconnects, and why."""
    return sends(MSG_DISCONNECT, UInt32(code), String(words), String("en"))


def fails(*methods: str | bytes, partial: bool = False) -> Act:
    """Refuses a login, and says what it would take."""
    names = [name.encode() if isinstance(name, str) else name for name in methods]
    return sends(MSG_USERAUTH_FAILURE, NameList(names), Boolean(partial))


def by_method(**answers: Act) -> Behaviour:
    """Answers a login by the method that it asks for: ``publickey``, ``password``, ``questions``; it takes no other."""
    full = {"questions": "keyboard-interactive"}
    offers = [full.get(name, name) for name in answers]

    def answer(peer: Peer, packet: SSHPacket) -> None:
        packet.get_string()
        packet.get_string()
        method = packet.get_string().decode()
        peer.server.seen.append(method)
        name = {"keyboard-interactive": "questions"}.get(method, method)
        answers.get(name, fails(*offers))(peer)

    return Behaviour(answers={MSG_USERAUTH_REQUEST: answer}, auth=True)


def questions(count: int, text: str = "Password: ", *, echo: bool = False) -> Act:
    """Asks so many questions."""
    asked = (String(text) + Boolean(echo)) * count
    return sends(INFO, String(ESCAPES), String(ESCAPES), String(""), UInt32(count), asked)


def refused(*words: str, partial: bool = False) -> Behaviour:
    """Refuses every login."""
    return at(MSG_USERAUTH_REQUEST, fails(*words, partial=partial))


def hangs(name: str, behaviour: Behaviour, words: str = "reached: authentication") -> Case:
    """A case that ends with the time for the login."""
    return Case(name, behaviour, "timeout", words, hangs=True)


def fails_with(name: str, behaviour: Behaviour, outcome: str = "protocol", words: str = ".", **more: Any) -> Case:
    """A case that ends at once."""
    return Case(name, behaviour, outcome, words, **more)


def at_service(*acts: Act) -> Behaviour:
    """Does something in place of accepting the service."""
    return at(MSG_SERVICE_REQUEST, *acts)


def at_login(*acts: Act) -> Behaviour:
    """Does something in place of an answer to the first login."""
    return at(MSG_USERAUTH_REQUEST, *acts)


SERVICES = [
    hangs("a service that is never accepted", at_service(), "reached: key exchange"),
    fails_with("another service than was asked for", at_service(sends(MSG_SERVICE_ACCEPT, String("ssh-connection")))),
    fails_with("a service nobody asked for", at_service(accept, accept)),
    fails_with("a service name that is cut short", at_service(sends(MSG_SERVICE_ACCEPT, UInt32(100)))),
    fails_with("a wrong MAC", at_service(bytes_(os.urandom(64))), words="MAC|packet size"),
    fails_with("a key exchange after which nothing can be read", at_service(bytes_(bytes(4096))), words="MAC|packet"),
    fails_with("new keys out of turn", at_service(sends(MSG_NEWKEYS)), words="."),
    hangs("endless rekeying before the login", at_service(again(rekeys, times=1)), "reached: key exchange"),
    hangs("endless empty packets", at_service(again(sends(MSG_IGNORE, String(bytes(1000))))), "reached: key exchange"),
    hangs(
        "endless debug packets with escapes",
        at_service(again(sends(MSG_DEBUG, Boolean(True), String(ESCAPES), String("")))),
        "reached: key exchange",
    ),
    hangs(
        "endless words that it did not understand",
        at_service(again(sends(MSG_UNIMPLEMENTED, UInt32(1)))),
        "reached: key exchange",
    ),
    fails_with(
        "unknown extensions without end", at_service(sends(MSG_EXT_INFO, UInt32(2**32 - 1), String("x"), String("y")))
    ),
    fails_with(
        "extensions at the wrong time",
        at_service(accept, sends(MSG_EXT_INFO, UInt32(0)), sends(MSG_EXT_INFO, UInt32(9))),
    ),
    fails_with(
        "a global request before the login",
        at_service(sends(MSG_GLOBAL_REQUEST, String("keepalive@openssh.com"), Boolean(True))),
    ),
    fails_with("an answer that nobody asked for", at_service(sends(MSG_REQUEST_SUCCESS))),
    fails_with(
        "a channel before the login",
        at_service(sends(MSG_CHANNEL_OPEN, String("session"), UInt32(0), UInt32(9), UInt32(9))),
    ),
    fails_with("data before the login", at_service(sends(MSG_CHANNEL_DATA, UInt32(0), String("x")))),
    fails_with("a login before the service", at_service(sends(MSG_USERAUTH_SUCCESS)), words="."),
    fails_with(
        "a login of its own",
        at_login(sends(MSG_USERAUTH_REQUEST, String("root"), String("ssh-connection"), String("none"))),
        words=".",
    ),
    *(
        fails_with(
            f"disconnecting with reason {code} at the service",
            at_service(disconnects(code)),
            "protocol|kex|host_key|auth|closed_midway",
            "LOGIN OK",
        )
        for code in (0, 1, 2, 7, 10, 11, 12, 13, 14, 15, 99, 2**32 - 1)
    ),
    fails_with("hanging up at the service", at_service(lambda peer: peer.abort()), "closed_midway", "closed during"),
]

LOGINS = [
    hangs("a login that is never answered", at_login()),
    fails_with("no way in at all", refused(), "auth", "refused"),
    fails_with("ways in that nobody knows", refused("x", "y"), "auth", "refused"),
    fails_with("ways in with escapes", refused(ESCAPES), "auth|protocol", "."),
    fails_with(
        "ways in that are no text",
        at_login(sends(MSG_USERAUTH_FAILURE, NameList([b"\xff\xfe"]), Boolean(False))),
        "auth|protocol",
    ),
    fails_with("a refusal cut short", at_login(sends(MSG_USERAUTH_FAILURE, UInt32(100))), words="Incomplete"),
    fails_with("partial success for ever", refused("publickey", partial=True), "auth", "refused", hangs=False),
    fails_with("partial success, and then nothing else", refused("password", partial=True), "auth", "refused"),
    fails_with(
        "a wrong password with partial success", refused("password", partial=True), "auth", "refused", password=True
    ),
    fails_with("a wrong password", refused("password"), "auth", "tried: .*password", password=True),
    hangs("endless banners", at_login(again(sends(MSG_USERAUTH_BANNER, String(ESCAPES * 100), String(""))))),
    fails_with(
        "a banner of escapes",
        at_login(sends(MSG_USERAUTH_BANNER, String(ESCAPES), String("")), fails()),
        "auth",
        "LOGIN OK",
    ),
    fails_with(
        "a huge banner",
        at_login(sends(MSG_USERAUTH_BANNER, String("x" * 30_000), String("")), fails()),
        "auth",
        "x{100}",
    ),
    fails_with(
        "a banner that is no text",
        at_login(sends(MSG_USERAUTH_BANNER, String(b"\xff\x9b"), String("")), fails()),
        "auth|protocol",
    ),
    fails_with(
        "a banner longer than a packet",
        at_login(sends(MSG_USERAUTH_BANNER, String("x" * 2**20), String("")), fails()),
        words=".",
    ),
    fails_with(
        "approval of another key",
        by_method(publickey=sends(PK_OK, String("ssh-rsa"), String("AAAA"))),
        words="Key mismatch",
    ),
    hangs("approval that nobody asked for", at_login(sends(PK_OK, String("ssh-ed25519"), String("AAAA")))),
    fails_with("a thousand questions", by_method(questions=questions(1000)), "auth", "refused", password=True),
    fails_with(
        "a million questions",
        by_method(questions=sends(INFO, *map(String, ("", "", "")), UInt32(10**6))),
        words=".",
        password=True,
    ),
    fails_with(
        "a question to be answered in the open",
        by_method(questions=questions(1, echo=True)),
        "auth",
        "refused",
        password=True,
    ),
    fails_with("a question of escapes", by_method(questions=questions(1, ESCAPES)), "protocol", ".", password=True),
    fails_with(
        "a password that has to be changed",
        by_method(password=sends(CHANGE, String(ESCAPES), String(""))),
        "auth|protocol",
        ".",
        password=True,
    ),
    *(
        fails_with(
            f"disconnecting with reason {code} at the login",
            at_login(disconnects(code)),
            "protocol|kex|host_key|auth|closed_midway",
            "LOGIN OK|refused",
        )
        for code in (1, 2, 4, 9, 11, 12, 14, 15)
    ),
    fails_with(
        "a reason to disconnect that is no text",
        at_login(sends(MSG_DISCONNECT, UInt32(2), String(b"\xff\x9b"), String(""))),
        words=".",
    ),
    fails_with("a reason to disconnect of 30 kB", at_login(disconnects(2, "x" * 30_000)), words="^.{0,500}$"),
    fails_with(
        "hanging up at the login", at_login(lambda peer: peer.abort()), "closed_midway", "closed during authentication"
    ),
    fails_with(
        "success before anything was asked", at_service(accept, sends(MSG_USERAUTH_SUCCESS)), "closed_midway", "."
    ),
]
