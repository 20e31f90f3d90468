"""A session over pipes to ``/bin/sh``: what ssh and local share.

A transport only knows how to open a pipe to a command line on the host. Everything else, framing, process groups,
becoming another user, killing, bulk input, is done here once, with the pure protocol of ``framing``.

What a session cannot do: end what left its process group by calling setsid; tell what a background child of an earlier
step writes to standard error after the next step was sent; tell ``exit 137`` from a death by SIGKILL, since sh says
the same of both.
"""

from runner.shell.capture import Capture
from runner.shell.pipes import OpenPipe, Pipe, Receiver
from runner.shell.records import HostRecords, RunRecords
from runner.shell.session import ShellSession

__all__ = ["Capture", "HostRecords", "OpenPipe", "Pipe", "Receiver", "RunRecords", "ShellSession"]
