"""A secret is used on hosts that give it back in every form, in all that can become of a step: and is seen nowhere.

Every view, log and file of a run is looked at; its steps run on scripted hosts.
"""

import asyncio
from dataclasses import dataclass, field
from datetime import UTC
from pathlib import Path

from canary import CANARY, LONG, forms, traces, traces_in
from scenario import Ran, Recorder, scenario

from runner.app.recorder import masked
from runner.engine.stop import Level
from runner.errors import ConnectError
from runner.journal import FIRST_SUM, encode
from runner.model.changed import changed
from runner.model.decision import Answer as Said
from runner.model.events import Event, HostLost, RunStarted, Signalled, StepEnded
from runner.model.summary import of
from runner.redaction import Redactor
from runner.reporting import Record, View
from runner.reporting.json_lines import JsonLines
from runner.reporting.live import Live
from runner.reporting.log import Log
from runner.reporting.on_signal import OnSignal
from runner.reporting.plain import Plain
from runner.reporting.quiet import Quiet
from runner.reporting.stream import Stream
from runner.transports.fake import Answer, Connection, Fake, Sent

HOSTS = "good bad slow lost gone shy"
"""Named by what comes of their commands; those of ``shy`` are killed, and somebody approves of nothing there."""

PLAY = """
version: 1
hosts: all
secrets: {{token: {{env: TOKEN}}, key: {{env: KEY}}}}
vars: {{via: 'Bearer {{{{ secrets.token }}}}'}}
env: {{TOKEN: "{{{{ via }}}}"}}
strategy:
  preflight: false
  max_failures: 4
  on_exceed: rollback
  gate:
    - command: [check, it]
      env: {{T: "{{{{ secrets.token }}}}"}}
      deadline: 5s
      {sensitive}
steps:
- block:
  - {{command: [use, it], stdin: "{{{{ secrets.token }}}}", register: out, retry: {{attempts: 2}}, {one}}}
  - {{shell: 'use "$TOKEN"', env: {{KEY: "{{{{ secrets.key }}}}"}}, register: said, {one}}}
  - {{command: [use, it], changed_when: result.json.nope, {one}}}
  - {{command: [use, it], failed_when: "secrets.token in result.stdout", {one}}}
  - {{command: [use, it], idempotent: true, retry: {{attempts: 2, until: result.json.done}}, {one}}}
  - {{command: "use {{{{ item }}}}", loop: "{{{{ out.lines }}}}", {each}}}
  - {{command: [use, it], loop: ["{{{{ secrets.token }}}}", two], loop_label: "for {{{{ item }}}}", {each}}}
  - {{script: {{src: it.sh, args: [a]}}, stdin: "{{{{ secrets.key }}}}", {one}}}
  - {{copy: {{content: "{{{{ secrets.key }}}}", dest: /etc/key}}, {one}}}
  - {{template: {{src: it.j2, dest: /etc/it}}, {one}}}
  - {{fetch: {{src: /etc/key, dest: fetched}}, {one}}}
  - {{file: {{path: /etc/it, state: directory}}, {one}}}
  - {{http: {{url: 'http://x/', method: POST, headers: {{a: "{{{{ via }}}}"}}, body: "{{{{ secrets.key }}}}"}}, {one}}}
  - {{wait_for: {{command: [use, it], interval: 1s}}, {one}}}
  - {{set: {{kept: "{{{{ secrets.token }}}}", more: "{{{{ out.stdout }}}}"}}, {one}}}
  - {{log: "it said {{{{ out.stdout }}}} {{{{ kept }}}}", {one}}}
  - {{assert: {{that: "out.rc == 5", message: "{{{{ kept }}}}"}}, {one}}}
  - {{assert: {{that: "secrets.token == 1"}}, {one}}}
  - {{log: "{{{{ secrets.token | from_json }}}}", {one}}}
  - {{log: x, when: "secrets.token | int > 'x'", {one}}}
  - {{command: [use, it], delegate_to: good, {one}}}
  - {{command: [use, it], become: {{password: token}}, {one}}}
  - {{include: {{file: more.yaml, vars: {{text: "{{{{ secrets.token }}}}"}}}}}}
  - {{pause: {{message: "type {{{{ secrets.token }}}}"}}, {one}}}
  - {{approve: "is {{{{ secrets.token }}}} right?", when: "host.name == 'shy'", {one}}}
  {sensitive}
rollback: [{{command: [use, it], {one}}}]
always: [{{command: [use, it], {one}}}]
"""
MORE = "inputs: {{text: {{type: string}}}}\nsteps: [{{command: [use], env: {{X: '{{{{ text }}}}'}}, {one}}}]\n"


@dataclass
class Watched(Recorder):
    """Records as a run does: masked first, then in lines, then in front of every view."""

    redactor: Redactor = field(default_factory=lambda: Redactor(()))
    wants_output: bool = True
    shown: dict[str, list[str]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Have every view, on the run's own progress where it shares it."""
        write = {name: self.shown.setdefault(name, []).append for name in NAMES}
        self.views: list[View] = [
            Plain(write["plain"], color=True, answers=True, zone=UTC, shared=self.progress),
            Live(write["live"], size=lambda: (300, 50), answers=True, zone=UTC, shared=self.progress),
            Stream(write["stream"], say=write["stream"], color=True, zone=UTC, before=self.progress),
            Stream(write["lines"], template="{line}"),
            JsonLines(write["json"]),
            Quiet(write["quiet"]),
            OnSignal(write["signal"], self.progress, is_told=False, zone=UTC),
            *(Log(write[form], form, redactor=self.redactor) for form in ("console", "logfmt")),
        ]

    def emit(self, event: Event) -> None:
        """As the recorder of a run does it."""
        if isinstance(event, RunStarted):
            event = changed(event, argv=("run", "-e", f"x={CANARY}"), inputs={"x": CANARY})
        super().emit(masked(event, self.redactor) if self.redactor else event)
        event, ts, seq = self.events[-1], 1e9 + self.times[-1], len(self.events) - 1
        line, _ = encode(event, seq=seq, ts=ts, run="r1", previous=FIRST_SUM)
        for view in self.views:
            view.see(Record(event, ts, seq, line))
            view.tick(ts)


NAMES = ("plain", "live", "stream", "lines", "json", "quiet", "signal", "console", "logfmt")


def told() -> bytes:
    """What a host gives back: every form, in pieces of lines."""
    return "\n".join([*forms(LONG).values(), *LONG.splitlines(), *forms().values()]).encode()


def script(sent: Sent) -> Answer:
    """Give the secrets back in every form; end as the host's name says."""
    out = told()
    if sent.host == "good":
        data = b"[\n" + b'"' + CANARY.replace('"', '\\"').encode() + b'"]' if "json" in sent.text else out
        return Answer(stdout=data, stderr=out)
    ends = {
        "bad": Answer(rc=3, stdout=out, stderr=out),
        "slow": Answer(stdout=out, stderr=out, duration=60.0, killed="no"),
        "lost": Answer(stdout=out, lost=f"connection reset; it said {CANARY}"),
    }
    return ends.get(sent.host, Answer(signal="KILL", rc=-1, stdout=out))


def connecting(host, attempt) -> Connection:
    """Some hosts let nobody in, and say why."""
    del attempt
    if host.name == "gone":
        return Connection(error=ConnectError("auth", f"refused: {CANARY}", hint=f"try {CANARY}"))
    return Connection()


async def asked(question) -> Said:
    """A person who goes on, but approves of nothing."""
    return Said(yes=not question.is_approval, by="ada", how="terminal")


def watched(folder: Path, redactor: Redactor, *, sensitive: bool = False) -> tuple[Ran, Watched]:
    """Run it all; gives what came of it, and what was seen."""
    word = "sensitive: true" if sensitive else ""
    each = "on_failure: ignore, timeout: 5s"
    one = f"{each}, {word}" if word else each
    (folder / "it.sh").write_text("cat\n")
    (folder / "it.j2").write_text("{{ secrets.token }}\n")
    (folder / "more.yaml").write_text(MORE.format(one=one))
    recorder = Watched(redactor=redactor)

    def during(run) -> None:
        for view in recorder.views:
            view.begin(run.plan, "r1", str(folder))
        loop = asyncio.get_running_loop()
        for at in (1.5, 4.5, 31.0):
            loop.call_later(at, recorder.emit, Signalled(signal="SIGUSR1", action="status"))
        loop.call_later(400.0, run.stop.raise_to, Level.KILL, "interrupted")

    ran = scenario(
        PLAY.format(sensitive=word, one=one, each=one),
        folder,
        fake=Fake(script, connecting),
        recorder=recorder,
        hosts=HOSTS,
        during=during,
        ask=asked,
        secrets={"token": CANARY, "key": LONG},
        redactor=redactor,
        is_sound=False,
    )
    for view in recorder.views:
        view.end(of(recorder.progress, run="r1", folder=str(folder)))
    return ran, recorder


def hidden(folder: Path, recorder: Watched) -> None:
    """Assert that nothing of it is left anywhere."""
    for name in ("it.j2", "site.yaml", "hosts.yaml", "more.yaml"):
        (folder / name).unlink(missing_ok=True)
    everything = {name: "".join(map(str, parts)) for name, parts in recorder.shown.items()}
    everything["journal"] = b"".join(recorder.lines).decode()
    everything["warnings"] = "\n".join(recorder.warned)
    assert {name: found for name, text in everything.items() if (found := traces(text))} == {}
    assert traces_in(folder) == {}
    assert not [name for name, text in everything.items() if name != "warnings" and "abcdEFGH" in text]


def test_a_secret_is_seen_nowhere_whatever_becomes_of_its_step(tmp_path):
    """Well, failed, timed out, lost, unreachable, tried again, rolled back: in no view, record or file."""
    ran, recorder = watched(tmp_path, Redactor([CANARY, LONG]))

    hidden(tmp_path, recorder)
    found = {event.status for event in ran.all(StepEnded)}
    assert found >= {"ok", "changed", "failed", "timed_out", "unknown", "unreachable"}
    assert "***" in "".join(recorder.shown["plain"])
    assert any(path.suffix == ".out" for path in tmp_path.rglob("*"))


def test_a_sensitive_step_shows_nothing_of_itself_whatever_becomes_of_it(tmp_path):
    """Although nothing is masked by its value: neither arguments, output nor errors, in no view, record or file."""
    ran, recorder = watched(tmp_path, Redactor(()), sensitive=True)

    shown = [event for event in recorder.events if not isinstance(event, RunStarted | HostLost)]
    assert [event for event in shown if traces(repr(event))] == []
    assert {event.status for event in ran.all(StepEnded)} >= {"ok", "changed", "failed", "timed_out", "unknown"}


def test_a_fault_in_a_sensitive_step_is_told_without_its_words(tmp_path):
    """The trace says where it was, in a step and in a check; the error's own words may hold what the step does."""

    def broken(sent: Sent) -> Answer:
        raise ZeroDivisionError(f"{sent.text} with {CANARY}")

    text = "{sensitive: true, command: [use, it]}"
    gate = f"strategy: {{gate: [{text}]}}\n"
    for number, playbook in enumerate((f"steps: [{text}]", f"{gate}steps: [{{ping: }}]")):
        folder = tmp_path / str(number)
        folder.mkdir()

        ran = scenario(f"version: 1\nhosts: all\n{playbook}\n", folder, broken, hosts="web1", is_sound=False)

        assert [bug for bug in ran.run.bugs if "a ZeroDivisionError; its words are hidden" not in bug] == []
        assert ran.run.bugs
        assert traces(repr(ran.recorder.events)) == []
