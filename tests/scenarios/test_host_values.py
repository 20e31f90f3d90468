"""What hosts say is data: wherever it goes in a playbook, it comes out as it went in, and is never rendered."""

import json
import tempfile
from pathlib import Path

from hypothesis import Phase, given, settings
from hypothesis import strategies as some
from scenario import Ran, scenario

from runner.model.decision import Answer as Said
from runner.model.decision import Question
from runner.model.events import GateChecked, StepEnded, StepNote
from runner.transports.fake import Answer, Sent

PAYLOADS = [
    "{{ secrets.token }}",
    "{{ 1 / 0 }}",
    "{{ host.name }}",
    "{% for a in b %}",
    "{% raw %}",
    "{# note",
    "#}",
    "}}",
    "${HOME}",
    "$(reboot)",
    "{{.Names}}",
    "{{ lookup('env', 'HOME') }}",
    "{{ ''.__class__.__mro__ }}",
    "<% exec %>",
    "#{x}",
    "!!python/object/apply:os.system [reboot]",
    "*alias",
    "\u202e",
    "'",
    '"',
]
NAMES = ["host", "hosts", "secrets", "facts", "inventory_hostname", "become_password", "__proto__", "__class__", "self"]
TEXT = some.one_of(
    some.sampled_from(PAYLOADS),
    some.lists(some.sampled_from([*PAYLOADS, "\n", " ", "x"]), max_size=4).map("".join),
    some.text(some.characters(exclude_categories=["Cs", "Cc"]), max_size=8),
).map(str.strip)
DATA = some.recursive(
    some.one_of(TEXT, some.integers(-9, 9), some.booleans(), some.none()),
    lambda inner: some.one_of(
        some.lists(inner, max_size=3),
        some.dictionaries(some.one_of(TEXT, some.sampled_from([*NAMES, "items", "rc"])), inner, max_size=3),
    ),
    max_leaves=6,
)
PLAY = """
version: 1
hosts: all
secrets: {token: {env: TOKEN}}
vars: {via: "{{ out.stdout }}", deep: {list: ["{{ via }}"]}}
strategy:
  gate:
    - {assert: {that: "1 == 2", message: "{{ out.stdout }}"}, deadline: 1s}
steps:
- {command: say, register: out}
- {command: say json, register: data}
- set: {kept: "{{ out.stdout }}", whole: "{{ data.json }}", both: {a: ["{{ via }}"], b: 1}}
- set: {again: "{{ kept }}", wholly: "{{ whole }}"}
- set: {mixed: "<{{ deep.list[0] }}>{{ hosts[host.name].results.out.stdout }}"}
- {command: [echo, "{{ again }}", "{{ via }}", "{{ mixed }}"], register: argv}
- {command: [echo, "{{ item }}"], loop: ["{{ out.stdout }}", "{{ again }}"], loop_label: "{{ item }}"}
- {command: [echo, "{{ item.value | tojson }}"], loop: "{{ wholly }}", when: item.value != 1 and again == via}
- {command: [echo], env: {A: "{{ via }}"}, stdin: "{{ kept }}", cwd: "/{{ again }}"}
- {log: "{{ again }}", notify: told}
- {log: "{{ mixed }}", when: "kept == again and via in mixed"}
- {assert: {that: "again == 'no' and kept", message: "it was {{ again }}"}, on_failure: ignore}
- {command: say, failed_when: "result.stdout == again", on_failure: ignore}
- {command: say, changed_when: "via == result.stdout", notify: told}
- include: {file: part.yaml, vars: {text: "{{ again }}"}}
- {pause: {message: "{{ again }}"}, on_failure: ignore}
handlers:
- {id: told, command: [echo, "{{ kept }}"]}
always:
- {log: "{{ wholly | tojson }}"}
"""
PART = "inputs: {text: {type: string}}\nsteps: [{log: '{{ text }}{{ inputs.text }}'}]\n"


def run(folder: Path, said: list[tuple[str, object]]) -> Ran:
    """A run on as many hosts as there are texts and data for them to say."""

    def script(sent: Sent) -> Answer:
        text, data = said[int(sent.host[3:]) - 1]
        if sent.text == "say json":
            return Answer(stdout=json.dumps([{"value": data}]).encode())
        return Answer(stdout=text.encode() if sent.text == "say" else b"")

    async def asked(_: Question) -> Said:
        return Said(yes=True, by="ada", how="terminal")

    (folder / "part.yaml").write_text(PART)
    return scenario(PLAY, folder, script, hosts=f"web[1-{len(said)}]", secrets={"token": "S3CRET"}, ask=asked)


def check(ran: Ran, host: str, text: str, data: object) -> None:
    """What a host said is found again wherever it went, as it was."""
    kept = ran.run.results[host]
    mixed = f"<{text}>{text}"
    assert (kept["kept"], kept["again"], kept["mixed"]) == (text, text, mixed)
    assert kept["whole"] == kept["wholly"] == [{"value": data}]
    assert kept["both"] == {"a": [text], "b": 1}
    sent = [one.command for one in ran.fake.sent if one.host == host]
    echoed = [command.argv[1:] for command in sent if command.argv[:1] == ("echo",)]
    assert echoed[:3] == [(text, text, mixed), (text,), (text,)]
    assert echoed[-1] == (text,)  # of the handler
    (with_env,) = [command for command in sent if command.env]
    assert (with_env.env, with_env.stdin, with_env.cwd) == ({"A": text}, text.encode(), f"/{text}")
    assert [event.message for event in ran.all(StepNote, host=host)][:2] == [text, mixed]
    assert f"it was {text} " in ran.all(StepEnded, step="assert", host=host)[0].reason
    assert {event.label for event in ran.all(StepEnded, step="command-4", host=host) if event.item} <= {text[:120]}
    assert text in ran.all(GateChecked, host=host)[0].reason


@settings(deadline=None, max_examples=5, phases=[Phase.explicit, Phase.generate])
@given(some.lists(some.tuples(TEXT.filter(bool), DATA), min_size=1, max_size=8))
def test_what_a_host_says_stays_what_it_is_wherever_it_goes(drawn):
    """Through register, set, variables, loops, conditions, arguments, env, messages, gates, handlers, includes."""
    said = [*drawn, *((text, {"a": [text], text: {"status": text}}) for text in PAYLOADS)]

    with tempfile.TemporaryDirectory() as place:
        ran = run(Path(place), said)

    for number, (text, data) in enumerate(said, 1):
        check(ran, f"web{number}", text, data)
    commands = [(one.text, one.command.env, one.command.stdin) for one in ran.fake.sent]
    assert "S3CRET" not in repr([ran.recorder.lines, commands, ran.run.results])


def test_names_that_a_host_gives_hide_none_of_ours(tmp_path):
    """Members of its data are members, whatever they are called; the names of the language are ours."""
    data = dict.fromkeys([*NAMES, "items", "get", "results"], "{{ mine }}")

    ran = scenario(
        "version: 1\nhosts: all\nsteps:\n"
        "- {command: say, register: out}\n"
        "- set: {seen: '{{ out.json }}', name: '{{ host.name }}'}\n"
        "- set: {own: '{{ out.json.__class__ }} {{ out.json.items }}'}\n"
        "- set: {of_facts: '{{ facts }}', mine: '{{ seen.host }}'}\n",
        tmp_path,
        lambda _: Answer(stdout=json.dumps(data).encode()),
        hosts="web1",
    )

    kept = ran.run.results["web1"]
    assert kept["seen"] == data
    assert (kept["name"], kept["mine"], kept["of_facts"]) == ("web1", "{{ mine }}", {})
    assert kept["own"] == "{{ mine }} {{ mine }}"
