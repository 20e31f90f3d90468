"""Plans, journals, runs and standard inputs for the corpus of bad input: each function makes one in a case's folder."""

import gzip
import hashlib
import hmac
import json
import os
import pty
import re
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from zlib import crc32

import msgspec
from events_builder import run_started
from journals import STORY, folder_with, lines_of

from runner.app import seal_key
from runner.app.plans import make_plan
from runner.app.saving import save
from runner.app.settings import Settings
from runner.model.encoding import encode_plan
from runner.model.saved_plan import put_together, take_apart

SITE = "version: 1\ninventory: hosts.yaml\nhosts: web\nsteps: [{command: a}]\n"
MADE = Settings(playbook=Path("site.yaml"), seed=1)


def a_plan(folder: Path, *, now: datetime | None = None) -> bytes:
    """A saved plan that is right."""
    (folder / "site.yaml").write_text(SITE)
    os.chdir(folder)
    save(make_plan(MADE), MADE, Path("plan.json"), expires=None, now=now or datetime.now(UTC))
    return (folder / "plan.json").read_bytes()


def _changed(folder: Path, change: re.Pattern[bytes] | bytes, new: bytes) -> None:
    """A plan in which something else stands, though its seal and sum were made anew by who has the key."""
    parts = take_apart(a_plan(folder), "plan.json")
    head = msgspec.json.encode(parts.head)
    body = re.sub(change, lambda _: new, head[:-1] + b',"plan":' + parts.plan, count=1)
    key = seal_key.find(os.environ, Path.home())
    whole = put_together(parts.head, parts.plan, key)
    assert body != whole[: len(body)]
    _write(folder, _sealed(body, key))


def _sealed(body: bytes, key: bytes | None) -> bytes:
    seal = b"" if key is None else hmac.new(key, body, hashlib.sha256).hexdigest().encode()
    sealed = body + b',"seal":"' + seal + b'"'
    return sealed + b',"sum":"' + hashlib.sha256(sealed).hexdigest().encode() + b'"}\n'


def _write(folder: Path, data: bytes) -> None:
    (folder / "plan.json").write_bytes(data)


def a_plan_cut_off(folder: Path) -> None:
    """Half of it."""
    data = a_plan(folder)
    _write(folder, data[: len(data) // 2])


def a_plan_that_is_no_json(folder: Path) -> None:
    """It only begins well."""
    a_plan(folder)
    _write(folder, b'{"format":"runner-plan",oops\n')


def a_plan_with_a_mark(folder: Path) -> None:
    """As an editor on Windows saves it."""
    _write(folder, b"\xef\xbb\xbf" + a_plan(folder))


def a_plan_with_more(folder: Path) -> None:
    """Two of them in one file."""
    _write(folder, a_plan(folder) * 2)


def a_plan_with_a_key_twice(folder: Path) -> None:
    """With a second user."""
    _changed(folder, rb'"user":"[^"]*"', b'"user":"eve","user":"ada"')


def a_plan_with_nan(folder: Path) -> None:
    """With what JSON has no word for."""
    _changed(folder, rb'"seed":1', b'"seed":NaN')


def a_plan_with_infinity(folder: Path) -> None:
    """The same, larger."""
    _changed(folder, rb'"seed":1', b'"seed":Infinity')


def a_plan_with_a_surrogate(folder: Path) -> None:
    """With half a character."""
    _changed(folder, rb'"user":"[^"]*"', rb'"user":"\ud800"')


def a_deep_plan(folder: Path) -> None:
    """With a thousand lists in each other."""
    _changed(folder, rb',"plan":\{', b',"plan":{"x":' + b"[" * 1000 + b"]" * 1000 + b",")


def a_large_plan(folder: Path) -> None:
    """With a hole in it, larger than a plan may be."""
    data = a_plan(folder)
    with (folder / "plan.json").open("wb") as file:
        file.write(data)
        file.truncate(128 * 1024 * 1024 + 1)


def a_newer_plan(folder: Path) -> None:
    """Of a version to come."""
    _changed(folder, b'"version":"1.0"', b'"version":"2.0"')


def an_older_plan(folder: Path) -> None:
    """Of a version from before the first."""
    _changed(folder, b'"version":"1.0"', b'"version":"0.9"')


def a_plan_with_an_unknown_key(folder: Path) -> None:
    """It says more than we know."""
    _changed(folder, b'"tool":', b'"colour":"red","tool":')


def a_changed_plan(folder: Path) -> None:
    """A host added by hand."""
    _write(folder, a_plan(folder).replace(b"web1", b"web9", 1))


def a_plan_under_another_key(folder: Path) -> None:
    """As somebody else's account makes it, whatever name it gives."""
    parts = take_apart(a_plan(folder), "plan.json")
    _write(folder, put_together(parts.head, parts.plan, b"x" * 32))


def a_plan_with_another_playbook(folder: Path) -> None:
    """The playbook was edited after it was made."""
    a_plan(folder)
    (folder / "site.yaml").write_text(SITE.replace("command: a", "command: b"))


def a_plan_of_another_project(folder: Path) -> None:
    """Its playbook is not here."""
    a_plan(folder)
    (folder / "site.yaml").unlink()


def an_expired_plan(folder: Path) -> None:
    """From years ago."""
    a_plan(folder, now=datetime(2020, 1, 1, tzinfo=UTC))


def a_plan_that_all_can_write(folder: Path) -> None:
    """Who knows what it says when it is read."""
    a_plan(folder)
    (folder / "plan.json").chmod(0o666)


def a_plan_by_a_link(folder: Path) -> None:
    """Under another name."""
    a_plan(folder)
    (folder / "link.json").symlink_to("plan.json")


def a_runs_plan(folder: Path) -> None:
    """As it stands in the folder of a run."""
    a_plan(folder)
    _write(folder, encode_plan(make_plan(MADE).plan))


def _journal(folder: Path, lines: bytes | Iterable[bytes]) -> Path:
    data = lines if isinstance(lines, bytes) else b"".join(lines)
    return folder_with(folder / "runs", data).path / "events.jsonl"


def a_journal_of_zero_bytes(folder: Path) -> None:
    """A run whose process died before the first record."""
    _journal(folder, b"")


def a_journal_torn_in_its_first_record(folder: Path) -> None:
    """The same, a little later."""
    _journal(folder, lines_of()[0][:100])


def a_journal_torn_in_its_last_record(folder: Path) -> None:
    """A process that died while it wrote."""
    *lines, last = lines_of()
    _journal(folder, [*lines, last[:40]])


def a_journal_with_a_damaged_first_record(folder: Path) -> None:
    """A flipped bit."""
    first, *lines = lines_of()
    _journal(folder, [first.replace(b"site", b"sitf", 1) if b"site" in first else first.replace(b"e", b"f", 1), *lines])


def a_journal_damaged_inside(folder: Path) -> None:
    """A flipped bit further on."""
    lines = lines_of()
    lines[4] = lines[4].replace(b"web01", b"web02", 1)
    _journal(folder, lines)


def a_journal_that_lacks_a_record(folder: Path) -> None:
    """A line taken out."""
    lines = lines_of()
    del lines[4]
    _journal(folder, lines)


def a_journal_with_a_record_twice(folder: Path) -> None:
    """A line put in."""
    lines = lines_of()
    lines.insert(4, lines[4])
    _journal(folder, lines)


def a_journal_with_a_record_of_another_run(folder: Path) -> None:
    """A line of another journal, its sum made to fit."""
    lines = lines_of()
    seq, previous = 4, lines[3][-11:-3].decode()
    stranger = lines_of(STORY[4:5], run="r2", seq=seq, previous=previous)
    _journal(folder, [*lines[:4], *stranger, *lines[5:]])


def a_journal_with_crlf(folder: Path) -> None:
    """As a transfer in text mode leaves it."""
    _journal(folder, [line.replace(b"\n", b"\r\n") for line in lines_of()])


def a_journal_edited_by_hand(folder: Path) -> None:
    """A failure turned into a success."""
    _journal(folder, [line.replace(b'"status":"failed"', b'"status":"ok"') for line in lines_of()])


def a_journal_with_text_behind_it(folder: Path) -> None:
    """A line that somebody appended."""
    _journal(folder, [*lines_of(), b"# done\n"])


def a_journal_with_a_mark(folder: Path) -> None:
    """As an editor on Windows saves it."""
    _journal(folder, b"\xef\xbb\xbf" + b"".join(lines_of()))


def a_journal_in_an_archive(folder: Path) -> None:
    """Put away to save room."""
    _journal(folder, gzip.compress(b"".join(lines_of()), mtime=0))


def a_journal_with_a_long_line(folder: Path) -> None:
    """Sixteen mebibytes without an end."""
    _journal(folder, [*lines_of(), b"x" * (16 << 20)])


def a_journal_of_two_gibibytes(folder: Path) -> None:
    """A hole behind sound records, which is one long line of nothing."""
    os.truncate(_journal(folder, lines_of()), 2 << 30)


def a_journal_that_is_a_folder(folder: Path) -> None:
    """In place of a file."""
    path = _journal(folder, b"")
    path.unlink()
    path.mkdir()


def a_journal_that_is_a_pipe(folder: Path) -> None:
    """Which would keep its reader waiting."""
    path = _journal(folder, b"")
    path.unlink()
    os.mkfifo(path)


def a_journal_of_a_newer_schema(folder: Path) -> None:
    """Of a version to come."""
    started = msgspec.structs.replace(run_started(), schema="2.0")
    _journal(folder, lines_of((started, *STORY[1:])))


def _with_unknown(folder: Path, **fields: bool) -> None:
    lines = lines_of()
    known = lines_of(STORY[2:3], seq=len(lines), previous=lines[-1][-11:-3].decode())[0]
    record = json.loads(known)
    record = {key: record[key] for key in ("seq", "ts", "run")} | {"event": "from.tomorrow", **fields}
    body = json.dumps(record, separators=(",", ":")).encode()[:-1]
    _journal(folder, [*lines, body + b',"sum":"%08x"}\n' % crc32(body, crc32(lines[-1][-11:-3]))])


def a_journal_with_an_unknown_event(folder: Path) -> None:
    """Of a minor version to come."""
    _with_unknown(folder)


def a_journal_with_a_critical_event(folder: Path) -> None:
    """The same, of what must not be passed over."""
    _with_unknown(folder, critical=True)


def three_runs(folder: Path) -> None:
    """Three runs, a second apart."""
    for number, name in enumerate(("aaaa", "bbbb", "cccc"), 1):
        run = f"20261121-09450{number}-{name}"
        folder_with(folder / "runs", b"".join(lines_of(run=run)), run=run)


def a_playbook_on_stdin(_: Path) -> None:
    """With a slip in it, through a pipe."""
    reader, writer = os.pipe()
    os.write(writer, SITE.replace("command: a", "comand: a").encode())
    os.close(writer)
    os.dup2(reader, 0)
    os.close(reader)


def a_closed_stdin(_: Path) -> None:
    """As a service may have it."""
    os.close(0)


def a_terminal_on_stdin(_: Path) -> None:
    """Where a person sits who does not know that something is waited for."""
    _, terminal = pty.openpty()  # its other end stays open, or it would be none any more
    os.dup2(terminal, 0)
    os.close(terminal)
