"""Send one HTTP request, from the host or from the controller, and look at the status of the answer.

- ``url``: an http or https address. ``method``: ``GET`` (default), ``HEAD``, ``POST``, ``PUT``, ``PATCH``, ``DELETE``,
  ``OPTIONS``.
- ``headers``: a mapping. ``body``: text, or a mapping or list, which is sent as JSON.
- ``status``: the wanted status, or a list of them (200). A redirect is an answer; it is not followed.
- ``from``: ``host`` (default: through its curl; a bare GET through wget too) or ``controller``.

No header or body stands in an argument list anywhere; certificates are verified. GET, HEAD and OPTIONS change nothing;
the other methods have changed something unless the step says otherwise. Its timeout is 60 s unless the step names one.

The result has ``http_status``, ``headers`` (by lower-case name), ``body`` (its first MiB) and ``json``.

```yaml
- http: {url: "http://127.0.0.1:18080/healthz", status: [200, 204], from: controller}
```
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from runner.errors import StepError
from runner.fragments import FILLED, choice, mapping, or_template
from runner.model.outcome import Outcome, failed, ok
from runner.model.template import Value
from runner.step import Complaint, StepKind, Target
from runner.web import METHODS, READING, ask, request, statuses, unmet


@dataclass(frozen=True, slots=True)
class Params:
    """What to ask, from where, and which answers are wanted. ``from_`` is ``from`` in YAML."""

    url: str
    method: str = "GET"
    headers: dict[str, str | int] | None = None
    body: Any = None
    status: int | tuple[int, ...] = 200
    from_: Literal["host", "controller"] = "host"


STATUS: Mapping[str, Any] = or_template({"type": "integer", "minimum": 100, "maximum": 599})
SCHEMA: Mapping[str, Any] = {
    "anyOf": [
        FILLED,
        mapping(
            {
                "url": FILLED,
                "method": choice(*METHODS),
                "headers": {"type": "object", "additionalProperties": {"type": ["string", "integer"]}},
                "body": {"type": ["string", "object", "array"]},
                "status": {"anyOf": [STATUS, {"type": "array", "items": STATUS, "minItems": 1}]},
                "from": choice("host", "controller"),
            },
            ("url",),
        ),
    ]
}


def spell_out(value: Value) -> Value:
    """The mapping behind an address alone, with ``from``, a word of Python, under another name."""
    params = value if isinstance(value, dict) else {"url": value}
    return {"from_" if key == "from" else key: part for key, part in params.items()}


def check(params: Mapping[str, Value]) -> Iterator[Complaint]:
    """Complains of an address that is none."""
    url = params.get("url")
    if isinstance(url, str):
        try:
            request(url)
        except StepError as error:
            yield Complaint("E424", error.message, ("url",))


def on_host(params: Mapping[str, Value]) -> bool:
    """Whether anything is sent to the host: not where the controller asks."""
    return params.get("from_") != "controller"


def only_reads(params: Mapping[str, Value]) -> bool:
    """Whether the request may be sent twice without harm (RFC 9110, section 9.2.1)."""
    return params.get("method", "GET") in READING


async def run(params: Params, target: Target) -> Outcome:
    """Ask, and compare."""
    wanted = request(params.url, method=params.method, headers=params.headers, body=params.body)
    answer = await ask(target, wanted, from_host=params.from_ == "host")
    if why := unmet(answer, wanted, statuses(params.status)):
        return failed(why, data=answer.data)
    changed = params.method not in READING and not target.read_only
    return ok(changed=changed, data=answer.data)


STEP = StepKind(
    name="http",
    summary="one HTTP request, from the host or the controller",
    schema=SCHEMA,
    params=Params,
    run=run,
    spell_out=spell_out,
    check=check,
    on_host=on_host,
    only_reads=only_reads,
    timeout=60.0,
    answers=("http_status", "headers", "body", "json"),
    documentation=__doc__,
)
