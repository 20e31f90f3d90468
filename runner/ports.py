"""Whether a TCP port answers, tried from a host or from this machine.

POSIX sh can't connect to anything; a host tries with the first of bash, nc and python3 that it has.
"""

import math
import socket
from dataclasses import dataclass

from runner.errors import StepError
from runner.remote_files import complaint
from runner.step import Target

PORT = r"""
if command -v bash >/dev/null 2>&1; then set -- "$3" bash -c 'exec 3<>"/dev/tcp/$0/$1"' "$1" "$2"
elif command -v nc >/dev/null 2>&1; then set -- "$3" nc -z -w "$3" "$1" "$2"
elif command -v python3 >/dev/null 2>&1; then
  set -- "$3" python3 -c 'from sys import argv; from socket import create_connection as c; c(argv[1:3], int(argv[3]))' \
    "$1" "$2" "$3"
else echo 'the host has none of bash, nc and python3 to try a port with' >&2; exit 90; fi
if command -v timeout >/dev/null 2>&1; then exec timeout "$@"; fi
shift; exec "$@"
"""
NO_TOOL = 90


@dataclass(frozen=True, slots=True)
class Tried:
    """What came of one try; ``reason`` says in words why the port is not open, where that is known."""

    is_open: bool
    reason: str = ""


async def try_from_host(target: Target, address: str, port: int, *, limit: float) -> Tried:
    """Whether the host can connect within ``limit`` seconds. Raises StepError when it has no tool for it."""
    args = (address, str(port), str(max(1, math.ceil(limit))))
    result = await target.run(PORT, args=args, stdin=b"", quiet=True)
    if result.rc == NO_TOOL:
        raise StepError(complaint(result))
    return Tried(result.rc == 0, "" if result.rc == 0 else complaint(result))


async def try_from_here(target: Target, address: str, port: int, *, limit: float) -> Tried:
    """Whether this machine can connect within ``limit`` seconds."""

    def connect() -> Tried:
        try:
            socket.create_connection((address, port), limit).close()
        except OSError as error:
            return Tried(is_open=False, reason=error.strerror or str(error))
        return Tried(is_open=True)

    tried: Tried = await target.in_thread(connect)
    return tried
