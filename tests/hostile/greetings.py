"""Peers that go wrong before the key exchange is over: greetings, versions, and packets that are none."""

import asyncio
import os

from asyncssh.constants import MSG_KEXINIT, MSG_NEWKEYS
from asyncssh.packet import Byte, MPInt, NameList, String, UInt32
from cases import Case
from peers import Behaviour, Raw

VERSION = b"SSH-2.0-OpenSSH_9.9\r\n"
KEX = [b"curve25519-sha256", b"kex-strict-s-v00@openssh.com"]
CIPHERS = [b"aes128-gcm@openssh.com"]
MACS = [b"hmac-sha2-256-etm@openssh.com"]

Reader, Writer = asyncio.StreamReader, asyncio.StreamWriter


def says(data: bytes, *, then: bytes = b"", every: float = 0) -> Raw:
    """Says something, and then something else, over and over, every so many seconds."""

    async def raw(_: Reader, writer: Writer) -> None:
        writer.write(data)
        while then:
            await asyncio.sleep(every)
            writer.write(then)
            await writer.drain()

    return raw


def hangs_up(data: bytes = b"") -> Raw:
    """Says something, and hangs up."""

    async def raw(_: Reader, writer: Writer) -> None:
        writer.write(data)
        await writer.drain()
        writer.close()

    return raw


def resets(data: bytes = b"") -> Raw:
    """Says something, waits for the client's version, and cuts the connection."""

    async def raw(reader: Reader, writer: Writer) -> None:
        writer.write(data)
        await reader.readline()
        writer.transport.abort()

    return raw


def kexinit(*lists: list[bytes], first: bytes = b"\0", cookie: bytes = bytes(16), rest: bytes = b"\0\0\0\0") -> bytes:
    """The payload of a KEXINIT with those lists first."""
    usual = [KEX, [b"ssh-ed25519"], CIPHERS, CIPHERS, MACS, MACS, [b"none"], [b"none"], [], []]
    names = [*lists, *usual[len(lists) :]]
    return Byte(MSG_KEXINIT) + cookie + b"".join(map(NameList, names)) + first + rest


def packet(payload: bytes, *, padding: int | None = None, length: int | None = None) -> bytes:
    """A packet before encryption; the lengths in it may be lies."""
    size = 16 - (5 + len(payload)) % 8
    body = bytes([size if padding is None else padding]) + payload + bytes(size)
    return (len(body) if length is None else length).to_bytes(4, "big") + body


def after_version(data: bytes) -> Raw:
    """A version, and then these bytes."""
    return says(VERSION + data)


def raw(name: str, behaviour: Raw, outcome: str, words: str, *, hangs: bool = False) -> Case:
    """A case that speaks TCP itself."""
    return Case(name, Behaviour(raw=behaviour), outcome, words, hangs=hangs)


async def echo(reader: Reader, writer: Writer) -> None:
    """Send back whatever comes."""
    while data := await reader.read(65536):
        writer.write(data)


GREETINGS = [
    raw("silence", says(b""), "timeout", "reached: greeting", hangs=True),
    raw("a banner without an end", says(b"", then=b"welcome " * 100), "protocol", "Banner line too long"),
    raw("endless lines of banner", says(b"", then=b"welcome\r\n" * 100), "protocol", "Too many banner lines"),
    raw("a byte of banner now and then", says(b"", then=b"x", every=0.1), "timeout", "greeting", hangs=True),
    raw("a byte of version now and then", says(b"SSH-2.0-", then=b"x", every=0.1), "timeout", "greeting", hangs=True),
    raw("a banner line of a megabyte", says(b"x" * 2**20 + b"\r\n" + VERSION), "protocol", "Banner line too long"),
    raw(
        "a banner of escapes",
        hangs_up(b"\x1b]52;c;AAAA\x07\x1b[2J\r\n"),
        "closed_midway",
        "refused the connection",
        hangs=True,
    ),
    raw("a version line of 100 kB", says(b"SSH-2.0-" + b"x" * 100_000 + b"\r\n"), "protocol", "too long"),
    raw("a version line of 300 bytes", says(b"SSH-2.0-" + b"x" * 300 + b"\r\n"), "protocol", "Version too long"),
    raw("version 1.5", says(b"SSH-1.5-1.2.27\r\n"), "protocol", "Unsupported SSH version"),
    raw("version 3.0", says(b"SSH-3.0-x\r\n"), "protocol", "Unsupported SSH version"),
    raw("version 1.99, then nothing", says(b"SSH-1.99-old\r\n"), "timeout", "key exchange", hangs=True),
    raw("a version that is no text", says(b"SSH-2.0-\xff\xfe\x9b\r\n"), "protocol", "does not speak SSH as it should"),
    raw("a version with NUL and escapes", says(b"SSH-2.0-\0\x1b[31m\r\n"), "timeout", "key exchange", hangs=True),
    raw("a web server", says(b"HTTP/1.1 400 Bad Request\r\n\r\n"), "timeout", "greeting", hangs=True),
    raw(
        "a mail server that hangs up",
        hangs_up(b"220 mail ESMTP\r\n"),
        "closed_midway",
        "refused the connection",
        hangs=True,
    ),
    raw("hanging up at once", hangs_up(), "closed_midway", "refused the connection", hangs=True),
    raw("cutting off at once", resets(), "closed_midway", "refused the connection", hangs=True),
    raw("hanging up after the version", hangs_up(VERSION), "closed_midway", "closed during key exchange"),
    raw("cutting off after the version", resets(VERSION), "closed_midway", "closed during key exchange"),
    raw("random bytes", hangs_up(os.urandom(64) + b"\n"), "closed_midway", "refused the connection", hangs=True),
    raw("the client's own bytes", echo, "protocol", "Unexpected kex init"),
]


PACKETS = [
    raw("no key exchange ever", after_version(b""), "timeout", "reached: key exchange", hangs=True),
    raw(
        "text in place of packets", after_version(b"hello there, this is no packet\r\n" * 4), "protocol", "packet size"
    ),
    raw("a packet of no length", after_version(bytes(64)), "protocol", "."),
    raw("a packet of length 1", after_version(packet(b"", length=1)), "protocol", "."),
    raw("a packet of 4 GiB", after_version(b"\xff" * 16), "protocol", "Max packet size"),
    raw(
        "a packet that never ends",
        says(VERSION + (30_000).to_bytes(4, "big"), then=b"x", every=0.05),
        "timeout",
        "key exchange",
        hangs=True,
    ),
    raw("a packet that is no multiple of eight", after_version(packet(kexinit(), length=13)), "protocol", "."),
    raw("more padding than packet", after_version(packet(kexinit(), padding=255)), "protocol", "."),
    raw("an empty payload", after_version(packet(b"")), "protocol", "."),
    raw(
        "an unknown type of packet", after_version(packet(b"\xc8" + bytes(20))), "protocol", "key exchange was complete"
    ),
    raw("a key exchange cut short", after_version(packet(kexinit()[:40])), "protocol", "Incomplete packet"),
    raw("a list longer than its packet", after_version(packet(kexinit()[:17] + b"\xff" * 8)), "protocol", "Incomplete"),
    raw("something after the lists", after_version(packet(kexinit(rest=bytes(9)))), "protocol", "Unexpected data"),
    raw(
        "lists of nothing",
        after_version(packet(kexinit([], [], [], [], [], []))),
        "kex",
        "no common algorithm for key exchange",
    ),
    raw(
        "no cipher in common",
        after_version(packet(kexinit(KEX, [b"ssh-ed25519"], [b"none"], [b"none"]))),
        "kex",
        "no common algorithm for encryption: sent aes.* and received none",
    ),
    raw(
        "no MAC in common",
        after_version(packet(kexinit(KEX, [b"ssh-ed25519"], [b"aes128-ctr"], [b"aes128-ctr"], [b"hmac-md5"]))),
        "kex",
        "no common algorithm for MAC: sent .* and received hmac-md5",
    ),
    raw(
        "no compression in common",
        after_version(packet(kexinit(KEX, [b"ssh-ed25519"], CIPHERS, CIPHERS, MACS, MACS, [b"zlib"], [b"zlib"]))),
        "kex",
        "no common algorithm for compression",
    ),
    raw(
        "lists with escapes",
        after_version(packet(kexinit([b"\x1b]0;owned\x07", b"\x1b[2J"]))),
        "kex",
        "no common algorithm",
    ),
    raw(
        "lists that are no text",
        after_version(packet(kexinit([b"\xff\xfe\x9b"]))),
        "protocol",
        "does not speak SSH as it should",
    ),
    raw(
        "a list of ten thousand names",
        after_version(packet(kexinit([b"a%d" % i for i in range(4_000)]))),
        "kex",
        "no common algorithm",
    ),
    raw(
        "the old key exchange alone",
        after_version(packet(kexinit([b"diffie-hellman-group1-sha1"]))),
        "kex",
        "sent .*curve25519-sha256.* and received diffie-hellman-group1-sha1",
    ),
    raw("two key exchanges at once", after_version(packet(kexinit()) * 2), "protocol", "already in progress"),
    raw(
        "a wrong guess of the key exchange",
        after_version(packet(kexinit([b"x", *KEX], first=b"\1"))),
        "timeout",
        "key exchange",
        hangs=True,
    ),
    raw("a key exchange that stops", after_version(packet(kexinit())), "timeout", "key exchange", hangs=True),
    raw("new keys before any", after_version(packet(kexinit()) + packet(Byte(MSG_NEWKEYS))), "protocol", "."),
    raw(
        "a service before the keys",
        after_version(packet(kexinit()) + packet(Byte(6) + String("ssh-userauth"))),
        "protocol",
        "before kex complete",
    ),
    raw(
        "a login before the keys",
        after_version(packet(kexinit()) + packet(Byte(52))),
        "protocol",
        "before key exchange was complete",
    ),
    raw(
        "packets that strict key exchange forbids",
        after_version(packet(kexinit()) + packet(Byte(2) + String(""))),
        "protocol",
        "[Ss]trict key exchange violation",
    ),
    raw(
        "a first packet that is not the key exchange",
        after_version(packet(Byte(2) + String("")) + packet(kexinit())),
        "protocol",
        "KEXINIT was not the first packet",
    ),
    raw(
        "an answer cut short",
        after_version(packet(kexinit()) + packet(Byte(31) + UInt32(10))),
        "protocol",
        "Incomplete",
    ),
    raw(
        "an answer with a key that is none",
        after_version(packet(kexinit()) + packet(Byte(31) + String("x" * 40) + String(b"y" * 32) + String("z"))),
        "host_key|kex|protocol",
        ".",
    ),
    raw(
        "an answer with a point of zeros",
        after_version(packet(kexinit()) + packet(Byte(31) + String("") + String(bytes(32)) + String(""))),
        "host_key|kex|protocol",
        ".",
    ),
    raw(
        "a group of tiny numbers",
        after_version(
            packet(kexinit([b"diffie-hellman-group-exchange-sha256"])) + packet(Byte(31) + MPInt(23) + MPInt(5))
        ),
        "kex",
        "a group of 5 bits",
    ),
    raw(
        "a group that is zero",
        after_version(
            packet(kexinit([b"diffie-hellman-group-exchange-sha256"])) + packet(Byte(31) + MPInt(0) + MPInt(0))
        ),
        "kex",
        "a group of 0 bits",
    ),
    raw(
        "a group of 200,000 bits",
        after_version(
            packet(kexinit([b"diffie-hellman-group-exchange-sha256"]))
            + packet(Byte(31) + MPInt((1 << 200_000) - 1) + MPInt(2))
        ),
        "kex",
        "a group of 200000 bits",
    ),
    *(
        raw(
            f"disconnecting with reason {code} before the keys",
            after_version(packet(Byte(1) + UInt32(code) + String("\x1b[31mgo away\r\n") + String("en"))),
            "protocol|kex|host_key|auth|closed_midway",
            "go away",
        )
        for code in range(16)
    ),
]
