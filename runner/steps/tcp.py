"""Connect to a TCP port, once. A check of a gate, and no step: a step waits for a port with ``wait_for``.

- ``port``, or a port alone. ``host``: whose port it is. By default the machine's that tries it, or, where that is
  another than the host of the wave (``from`` of the check), the address of the host.
- ``timeout``: how long one try may take (5s).

It is tried with bash, nc or python3, whichever the host has; from the controller nothing is needed.

```yaml
- tcp: {port: 18080, host: 127.0.0.1, timeout: 2s}
```
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from runner.durations import seconds
from runner.errors import StepError
from runner.fragments import DURATION, FILLED, mapping, or_template
from runner.model.outcome import Outcome, failed, ok
from runner.model.template import Value
from runner.ports import try_from_here, try_from_host
from runner.step import Complaint, StepKind, Target


@dataclass(frozen=True, slots=True)
class Params:
    """What to connect to, and from where: ``from_`` is given by the check. ``timeout`` in seconds or as text."""

    port: int
    host: str = "127.0.0.1"
    timeout: float | str = 5.0
    from_: Literal["host", "controller"] = "host"


PORT: Mapping[str, Any] = or_template({"type": "integer", "minimum": 1, "maximum": 65535})
SCHEMA: Mapping[str, Any] = {
    "anyOf": [PORT, mapping({"port": PORT, "host": FILLED, "timeout": DURATION}, ("port",))],
}


def spell_out(value: Value) -> Value:
    """The mapping behind a port alone."""
    return value if isinstance(value, dict) else {"port": value}


def check(params: Mapping[str, Value]) -> Iterator[Complaint]:
    """Complains of a timeout that is no duration."""
    timeout = params.get("timeout")
    if isinstance(timeout, str | int | float):
        try:
            seconds(timeout)
        except ValueError as error:
            yield Complaint("E406", str(error), ("timeout",))


def on_host(params: Mapping[str, Value]) -> bool:
    """Whether anything is sent to a host: not where the controller connects."""
    return params.get("from_") != "controller"


async def run(params: Params, target: Target) -> Outcome:
    """Connect, and hang up."""
    try:
        limit = max(seconds(params.timeout), 0.01)
    except ValueError as error:
        raise StepError(str(error)) from None
    attempt = try_from_here if params.from_ == "controller" else try_from_host
    tried = await attempt(target, params.host, params.port, limit=limit)
    if tried.is_open:
        return ok(message=f"port {params.port} of {params.host}: open")
    return failed(f"port {params.port} of {params.host}: closed ({tried.reason})")


STEP = StepKind(
    name="tcp",
    summary="connect to a TCP port (a check of a gate)",
    schema=SCHEMA,
    params=Params,
    run=run,
    spell_out=spell_out,
    check=check,
    on_host=on_host,
    idempotent=True,
    timeout=60.0,
    documentation=__doc__,
)
