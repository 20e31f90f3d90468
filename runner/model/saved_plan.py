"""A saved plan as bytes, and taken apart again: what ``runner plan -o`` writes and ``runner run PLAN`` reads.

One JSON object on one line. First comes what is said about the plan, then ``plan``, in the exact form of a run's
``plan.json``, then ``seal`` and ``sum``. ``sum`` is the SHA-256 of all bytes before it: whoever changed the file
without meaning harm is told so. ``seal`` is the HMAC-SHA256 of all bytes before it under a key that only its owner's
account on one machine has: what anybody else wrote does not have it.

**Why nothing is parsed before sum and seal are right.** A plan from elsewhere is hostile input. Of one that nobody
vouches for only sizes, sums and who says to have made it are looked at; and even one that is vouched for is never run:
it is made again from the files that are here and compared (``app/saved_plans``), so that no plan can do what these
files do not say.
"""

import hashlib
import hmac
import re
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import accumulate
from typing import Any

import msgspec

from runner.errors import InputError, MismatchError
from runner.location import Location, Problem
from runner.model.plan_options import PlanOptions

FORMAT = "runner-plan"
VERSION = "1.0"
"""A new field is a minor version, a changed one a major version."""

MOST_BYTES = 128 * 1024 * 1024
MOST_VALUES = 3_000_000
DEEPEST = 200
"""Limits on bytes, on values of any kind, and on how deep lists and mappings lie in each other."""

BEGINS = b'{"format":"runner-plan",'
_format = re.compile(rb'(?:\xef\xbb\xbf)?\s*\{\s*"format"\s*:\s*"([^"\\\x00-\x1f]{0,40})')
_looks_saved = re.compile(rb'(?:\xef\xbb\xbf)?\s*\{\s*"format"\s*:\s*"runner-plan"')
_looks_like_runs_plan = re.compile(rb'\s*\{\s*"playbook"\s*:\s*"(?:[^"\\]|\\.)*+"\s*,\s*"name"')
SAVED_PLAN = "a saved plan"
RUNS_PLAN = "the plan in a run's folder"
_end = re.compile(rb',"seal":"([0-9a-f]{64}|)","sum":"([0-9a-f]{64})"\}\n\Z')
_END_BYTES = 200
_text = re.compile(rb'"(?:[^"\\]|\\.)*+"', re.DOTALL)
_not_brackets = bytes(byte for byte in range(256) if byte not in b"[]{}")
_not_finite = re.compile(rb"[:,\[]\s*-?(?:NaN|Infinity)\b")
_half = re.compile(
    rb"\\u[dD][89abAB][0-9a-fA-F]{2}(?!\\u[dD][c-fC-F])|(?<!\\u[dD][89abAB][0-9a-fA-F]{2})\\u[dD][c-fC-F]"
)
_depth = {ord("["): 1, ord("{"): 1, ord("]"): -1, ord("}"): -1}


class SavedPlan(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What is said about a saved plan. ``id`` is 32 random hex digits.

    ``created`` and ``expires`` are in UTC, to the microsecond. ``tool`` is the version of runner, ``user`` and ``host``
    who made it and where. ``playbook`` is its path as it was named, starting at ``cwd``, as names of files in the plan
    do; ``project`` is the folder that local files stay within. ``options`` are those that shaped it.
    """

    format: str = FORMAT
    version: str = VERSION
    id: str
    created: str
    expires: str
    tool: str
    user: str
    host: str
    playbook: str
    cwd: str
    project: str
    git_commit: str | None
    git_clean: bool | None
    options: PlanOptions


@dataclass(frozen=True, slots=True)
class Parts:
    """A saved plan taken apart. ``plan`` are the bytes that ``encode_plan`` made, ``body`` all that is sealed.

    ``name`` is that of its file, for messages.
    """

    head: SavedPlan
    plan: bytes
    body: bytes
    seal: str
    sha256: str
    name: str = ""

    @property
    def inputs(self) -> Mapping[str, str]:
        """The hashes of the files that went into the plan. Raises InputError where none stand in it."""
        check_shape(self.plan, self.name)
        try:
            return msgspec.json.decode(self.plan, type=_Inputs).inputs
        except (msgspec.MsgspecError, ValueError, RecursionError) as error:
            raise _unreadable(self.plan, self.name, error) from None

    def is_sealed_with(self, key: bytes | None) -> bool:
        """Whether the seal was made with this key."""
        return key is not None and hmac.compare_digest(self.seal, _seal(self.body, key))


def put_together(head: SavedPlan, plan: bytes, key: bytes | None) -> bytes:
    """The bytes of a saved plan; without a key its seal is empty, and only its SHA-256 can vouch for it."""
    body = msgspec.json.encode(head)[:-1] + b',"plan":' + plan
    sealed = body + b',"seal":"' + (b"" if key is None else _seal(body, key).encode()) + b'"'
    return sealed + b',"sum":"' + hashlib.sha256(sealed).hexdigest().encode() + b'"}\n'


def looks_saved(data: bytes) -> bool:
    """Whether a file that begins so is meant to be a saved plan, sound or not."""
    return _looks_saved.match(data) is not None


def stored_kind(data: bytes) -> str:
    """What a file that begins so is where it is a stored plan: a saved one, or the one of a run; else empty."""
    if looks_saved(data):
        return SAVED_PLAN
    if found := _format.match(data):
        return f'something of the format "{found[1].decode("utf-8", "replace")}"'
    return RUNS_PLAN if _looks_like_runs_plan.match(data) else ""


def foreign_kind(data: bytes) -> str:
    """What a file that begins so plainly is, where nobody could have written it by hand as one of ours; else empty."""
    return next((word for form, word in FOREIGN if re.match(form, data[:4096])), "")


def take_apart(data: bytes, name: str) -> Parts:
    """The parts of a saved plan whose sum is right.

    Raises InputError for what is none, MismatchError for one that was changed after it was made, and for one of a
    version that is not known. ``name`` is that of the file, for messages.
    """
    if not data.startswith(BEGINS):
        raise _no_plan(data, name)
    end = _end.search(data, max(0, len(data) - _END_BYTES))
    first = data.find(b"\n") + 1
    if first > 0 and data[first:].strip() and _end.search(data, max(0, first - _END_BYTES), first):
        raise _wrong("E601", "it has more behind its end", name)
    if end is None:
        raise _no_end(data, name)
    if hashlib.sha256(data[: end.start(2) - len(b',"sum":"')]).hexdigest() != end[2].decode():
        raise _changed(name)
    body = data[: end.start()]
    head, separator, plan = body.partition(b',"plan":')
    if not separator:
        raise _wrong("E601", "it holds no plan", name)
    return Parts(_head(head + b"}", name), plan, body, end[1].decode(), sum_of(data), name)


def movable(plan: bytes, project: str) -> bytes:
    """The bytes of a plan in which paths start at the project, wherever that lies."""
    if project in {"", "/"}:
        return plan
    root = msgspec.json.encode(project)[1:-1]
    return plan.replace(b'"' + root + b"/", b'"./').replace(b'"' + root + b'"', b'"."')


def sum_of(data: bytes) -> str:
    """The SHA-256 of a whole file, as ``sha256sum`` prints it."""
    return hashlib.sha256(data).hexdigest()


def check_shape(plan: bytes, name: str) -> None:
    """Refuse bytes with more values in them, or deeper, than any plan has. Raises InputError."""
    outside = _text.sub(b"", plan)
    values = outside.count(b",") + outside.count(b"[") + outside.count(b"{")
    if values > MOST_VALUES:
        raise _wrong("E604", f"it holds {values:,} values; the limit is {MOST_VALUES:,}", name)
    brackets = outside.translate(None, _not_brackets)
    if max(accumulate(map(_depth.__getitem__, brackets)), default=0) > DEEPEST:
        raise _wrong("E604", f"lists and mappings in it lie more than {DEEPEST} deep", name)


def _seal(body: bytes, key: bytes) -> str:
    return hmac.new(key, body, hashlib.sha256).hexdigest()


def _head(data: bytes, name: str) -> SavedPlan:
    """What is said about a plan. Its sum is right, so what is wrong in it was written so."""
    if len(data) > MOST_HEAD:
        raise _wrong("E604", f"what is said about the plan takes {len(data):,} bytes", name)
    try:
        version = msgspec.json.decode(data, type=_Version).version
    except (msgspec.MsgspecError, ValueError, RecursionError):
        version = ""
    if version.partition(".")[0] != VERSION.partition(".")[0] and version:
        message = f"it is a saved plan of version {version[:20]}; this runner knows {VERSION}"
        raise _mismatch("E606", message, name)
    try:
        head = msgspec.json.decode(data, type=SavedPlan)
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:
        raise _unreadable(data, name, error) from None
    if msgspec.json.encode(head) != data:
        raise _wrong("E602", "a key stands in it twice, or not where it belongs", name)
    if re.fullmatch("[0-9a-f]{32}", head.id) is None:
        raise _wrong("E607", f'"{head.id:.40}" is no id of a plan', name)
    return head


def _unreadable(data: bytes, name: str, error: Exception) -> InputError:
    """What is wrong with JSON that is not what it should be: it, or what it says."""
    outside = _text.sub(b'""', data)
    if _not_finite.search(outside):
        return _wrong("E603", "a number in it is not finite", name)
    if _half.search(data):
        return _wrong("E603", "a text in it holds half a character", name)
    if isinstance(error, RecursionError):
        return _wrong("E604", f"lists and mappings in it lie more than {DEEPEST} deep", name)
    if isinstance(error, msgspec.ValidationError):
        return _wrong("E607", f"it holds what no saved plan has: {error}", name)
    return _wrong("E601", f"it is no JSON: {error}", name)


MOST_HEAD = 16 * 1024 * 1024
"""Bytes of what is said about a plan: options may name many hosts."""


class _Version(msgspec.Struct):
    version: str


class _Inputs(msgspec.Struct):
    inputs: Mapping[str, str] = {}


def _no_plan(data: bytes, name: str) -> InputError | MismatchError:
    if data.startswith(b"\xef\xbb\xbf"):
        return _wrong("E601", "it starts with a byte order mark", name)
    if looks_saved(data):
        return _changed(name) if _is_json(data) else _wrong("E601", "it is no JSON", name)
    if not data.strip():
        return _wrong("E601", "it is empty", name)
    if found := _format.match(data):
        said = found[1].decode("utf-8", "replace")
        return _wrong("E605", f'it says to be of the format "{said}", not "{FORMAT}"', name)
    return _wrong("E612", f"this looks like {_kind_of(data)}, not like a saved plan", name)


def _no_end(data: bytes, name: str) -> InputError | MismatchError:
    """Why a plan does not end as it should: written anew by another program, cut off, or with more behind it."""
    return _changed(name) if _is_json(data) else _wrong("E601", "it is cut off, or has more behind its end", name)


def _is_json(data: bytes) -> bool:
    try:
        check_shape(data, "")
        msgspec.json.decode(data, type=msgspec.Raw)
    except (InputError, msgspec.MsgspecError, ValueError, RecursionError):
        return False
    return True


FOREIGN: tuple[tuple[bytes, str], ...] = (
    (rb"\x1f\x8b", "a gzip archive"),
    (rb"PK\x03\x04", "a zip archive"),
    (rb"BZh[1-9]", "a bzip2 archive"),
    (rb"\xfd7zXZ\x00", "an xz archive"),
    (rb"\x7fELF", "a program"),
    (rb"%PDF-", "a PDF file"),
    (rb"\x89PNG|\xff\xd8\xff|GIF8", "a picture"),
    (rb"\s*<(?:!|\?|[A-Za-z])", "HTML or XML"),
)
KINDS: tuple[tuple[bytes, str], ...] = (
    *FOREIGN,
    (_looks_like_runs_plan.pattern, RUNS_PLAN),
    (rb'\s*\{\s*"version"', "a plan in the form of --format json"),
    (rb"[^\x00]*\Z", "a playbook, or some other text"),
)


def _kind_of(data: bytes) -> str:
    return next((word for form, word in KINDS if re.match(form, data[:4096])), "some binary file")


def _changed(name: str) -> MismatchError:
    return _mismatch("E608", "it was changed after it was made: its sum is another one", name)


def _mismatch(code: str, message: str, name: str) -> MismatchError:
    problem = Problem(code, message, Location(name, 1), "make the plan anew: runner plan PLAYBOOK -o FILE")
    return MismatchError("the saved plan can't be used", problems=[problem])


def _wrong(code: str, message: str, name: str) -> InputError:
    return InputError([Problem(code, message, Location(name, 1))])


def saved_plan_schema() -> dict[str, Any]:
    """The file that ``runner plan -o`` writes."""
    schema: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(msgspec.json.schema(SavedPlan)))
    head = schema["$defs"]["SavedPlan"]
    head["properties"] = {**head["properties"], **AROUND}
    head["required"] = ["format", "version", *head["required"], *AROUND]
    head["properties"]["format"] = {"const": FORMAT}
    return schema


AROUND: Mapping[str, Any] = {
    "plan": {
        "type": "object",
        "description": "The exact plan, as plan.json of a run has it. Its form follows the inside of the program.",
    },
    "seal": {
        "type": "string",
        "pattern": "^([0-9a-f]{64})?$",
        "description": "HMAC-SHA256 of what stands before it, under a key of the account that made the plan.",
    },
    "sum": {"type": "string", "pattern": "^[0-9a-f]{64}$", "description": "SHA-256 of what stands before it."},
}
"""What stands around the head."""
