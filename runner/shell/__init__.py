"""A session over pipes to ``/bin/sh``: what ssh and local share.

A transport only knows how to open a pipe to a command line on the host. Everything else, framing, process groups,
becoming another user, killing, bulk input, is done here once, with the pure protocol of ``framing``.
"""

from runner.shell.capture import Capture
from runner.shell.pipes import OpenPipe, Pipe, Receiver
from runner.shell.session import ShellSession

__all__ = ["Capture", "OpenPipe", "Pipe", "Receiver", "ShellSession"]
