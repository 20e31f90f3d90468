"""Put a file on the host that is made from a template of the project, whole or not at all.

The file is a Jinja2 template with the step's variables; an undefined name is an error. What comes out is placed as
``copy`` places a file: atomically, and reported as changed only where something really differs.

- ``src``: the template, a file of the project, starting at the playbook's folder.
- ``dest``, ``owner``, ``group``, ``mode``, ``backup``, ``validate``: as ``copy`` has them.

The result has ``dest``, ``checksum`` (SHA-256) and ``size``, and ``backup`` where one was kept.

```yaml
- template: {src: app.conf.j2, dest: /srv/app/app.conf, mode: "0640"}
```
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from runner.fragments import FILLED, mapping
from runner.local_files import inside, regular
from runner.model.outcome import Outcome, ok
from runner.model.template import Value
from runner.placing import OPTIONS, Wanted, place
from runner.remote_files import Owner, absolute, check_paths
from runner.step import Complaint, StepKind, Target


@dataclass(frozen=True, slots=True)
class Params:
    """Which template to put where."""

    src: str
    dest: str
    owner: Owner | None = None
    group: Owner | None = None
    mode: str | None = None
    backup: bool = False
    validate: tuple[str, ...] = ()


SCHEMA: Mapping[str, Any] = mapping({"src": FILLED, "dest": FILLED, **OPTIONS}, ("src", "dest"))


def check(params: Mapping[str, Value]) -> Iterator[Complaint]:
    """Complains of a destination that can't be one."""
    return check_paths(params, ("dest",))


async def run(params: Params, target: Target) -> Outcome:
    """Render it, and put it there where it is not yet."""
    dest = absolute(params.dest)
    source = await target.in_thread(lambda: regular(inside(target.project, target.folder, params.src)))
    content = (await target.render_file(source)).encode("utf-8", "surrogateescape")
    placed = await place(
        target,
        Wanted(
            dest=dest,
            content=content,
            owner=params.owner,
            group=params.group,
            mode=params.mode,
            backup=params.backup,
            validate=params.validate,
        ),
    )
    data = {"dest": dest, "checksum": placed.fingerprint.sha256, "size": placed.fingerprint.size}
    return ok(changed=placed.changed, data={**data, "backup": placed.backup} if placed.backup else data)


STEP = StepKind(
    name="template",
    summary="put a rendered template on the host, atomically",
    schema=SCHEMA,
    params=Params,
    run=run,
    check=check,
    idempotent=True,
    answers=("dest", "checksum", "size", "backup"),
    local_files=("src",),
    documentation=__doc__,
)
