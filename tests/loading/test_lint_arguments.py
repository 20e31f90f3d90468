"""What a host said never becomes shell text, and a secret never an argument: by whatever way it comes there."""

import pytest
from playbook_checks import said

SAID = "comes from a host and would be read by the shell [E415]"
IN_VAIN = "comes from a host and stands where | quote is in vain [E415]"
FIRST = "- {command: a, register: out}\n"
TEXTS = {
    "a result": "{{ out.stdout }}",
    "a member of data": "{{ out.json.status }}",
    "data named as ours": "{{ out.json.rc }}",
    "a loop in the template": "{% for l in out.lines %}{{ l }}{% endfor %}",
    "a loop over pairs": "{% for k, v in out.json.items() %}{{ v }}{% endfor %}",
    "a name of the template's": "{% set l = out.stdout %}{{ l }}",
    "a name set in a branch": "{% set l = 'x' %}{% if out.rc %}{% set l = out.stdout %}{% endif %}{{ l }}",
    "a name read before it is set": "{% macro m() %}{{ l }}{% endmacro %}{% set l = out.stdout %}{{ m() }}",
    "with": "{% with l = out.stdout %}{{ l }}{% endwith %}",
    "a macro": "{% macro m(l) %}{{ l }}{% endmacro %}{{ m(out.stdout) }}",
    "a macro's default": "{% macro m(l=out.stdout) %}{{ l }}{% endmacro %}{{ m() }}",
    "a block of text": "{% set l %}{{ out.stdout }}{% endset %}{{ l }}",
    "a filtered block": "{% filter upper %}{{ out.stdout | quote }}{% endfilter %}",
    "a called block": "{% macro m() %}{{ caller() }}{% endmacro %}{% call m() %}{{ out.stdout }}{% endcall %}",
    "a filter": "{{ out.stdout | upper }}",
    "a filter that unquotes": "{{ out.stdout | quote | replace(\"'\", '') }}",
    "a filter's argument": "{{ 'b' | replace('b', out.stdout) }}",
    "a default": "{{ 'x' | default(out.stdout) }}",
    "a number's default": "{{ 'x' | int(out.stdout) }}",
    "text put together": "{{ 'b' ~ out.stdout }}",
    "quotes put round it": '{{ "\'" ~ (out.stdout | quote) ~ "\'" }}',
    "a method": "{{ out.stdout.strip() }}",
    "a method by its name": "{{ (out.stdout | attr('upper'))() }}",
    "part of a quoted word": "{{ (out.stdout | quote)[1:] }}",
    "a condition": "{{ out.stdout if out.rc == 0 else '' }}",
    "items of it": "{{ out.lines | map('upper') | join(' ') }}",
    "decoded again": "{{ out.stdout | b64encode | b64decode }}",
    "the host's own results": "{{ host.results.out.stdout }}",
    "another host's results": "{{ hosts.web1.results.out.stdout }}",
    "results of all": "{{ hosts.values() | map(attribute='results.out.stdout') | join(' ') }}",
    "results of each": "{% for h in hosts.values() %}{{ h.results.out.stdout }}{% endfor %}",
    "facts": "{{ facts.os.status }}",
    "the host's facts": "{{ host.facts.x }}",
    "another's facts": "{{ hosts['web1'].facts.x }}",
    "a variable": "{{ via }}",
    "a variable's loop": "{{ each }}",
    "a variable, unquoted again": "{{ word | replace(\"'\", '') }}",
    "a variable in a variable": "{{ deep.x[0] }}",
    "a variable of the inventory": "{{ mine }}",
    "the host's variable": "{{ host.vars.mine }}",
    "another host's variable": "{{ hosts.web1.vars.mine }}",
    "a value that was set": "{{ kept }}",
    "a member of a value that was set": "{{ kept.status }}",
}
VARIABLES = (
    "vars: {via: '{{ out.stdout }}', word: '{{ out.stdout | quote }}', deep: {x: ['{{ via }}']},"
    " each: '{% for l in out.lines %}{{ l }}{% endfor %}', size: '{{ out.lines | length }}'}\n"
)
HOSTS = "hosts: {web1: {vars: {mine: '{{ out.stdout }}'}}}\n"


def problems(folder, steps, *, more=VARIABLES, hosts=HOSTS, **files):
    """What is complained of, without places, hints and what is only warned of."""
    first = FIRST + "- set: {kept: '{{ out.json }}'}\n"
    found = said(folder, f"hosts: all\n{more}steps:\n{first}{steps}\n", hosts=hosts, **files)
    return [line.partition(" ")[2].partition(" | write")[0] for line in found if "[W" not in line]


@pytest.mark.parametrize("way", TEXTS)
def test_what_a_host_said_is_no_shell_text_by_any_way(way, tmp_path):
    """Whatever it went through, a shell does not come to read it unquoted."""
    found = problems(tmp_path, f"- shell: |\n    use {TEXTS[way]}\n")

    assert found
    assert all(line.endswith(SAID) for line in found)


@pytest.mark.parametrize(
    "text",
    [
        "{{ out.stdout | quote }} {{ out.rc }} {{ out.results[0].status }} {{ out.lines | length }} {{ size }}",
        "{% for l in out.lines %}{{ l | quote }} {% endfor %}",
        "{{ out.lines | map('quote') | join(' ') }}",
        "{{ (out.stdout | quote) if out.rc == 0 else 'none' }} {{ (out.stdout | quote) ~ '/x' }}",
        "{% set l = out.stdout | quote %}{{ l }} {{ word }}",
        "{{ host.name }} {{ host.address }} {{ groups.web | join(' ') }} {{ inputs | length }} {{ wave.index }}",
        "{{ hosts.values() | map(attribute='address') | join(' ') }}",
        "{% for h in hosts.values() %}{{ h.name }} {{ h.results.out.rc }} {{ loop.index }}{% endfor %}",
        '"{{ out.stdout | b64encode }}" "{{ out.rc }}" "{{ host.vars.rack }}"',
        "{{ 'yes' if out.stdout == 'x' else 'no' }} {{ out is defined }}",
        "{{ out.results[1:] | map(attribute='rc') | join(',') }}",
    ],
)
def test_what_is_quoted_or_ours_may_stand_in_shell_text(text, tmp_path):
    """Words, numbers, names of hosts and truth values are no danger."""
    hosts = "hosts: {web1: {vars: {mine: '{{ out.stdout }}', rack: a}}}\ngroups: {web: {hosts: [web1]}}\n"

    assert problems(tmp_path, f"- shell: |\n    use {text}\n", hosts=hosts) == []


@pytest.mark.parametrize(
    "step",
    [
        "- {shell: 'a {{ item }}', loop: '{{ out.lines }}'}",
        "- {shell: 'a {{ item.name }}', loop: '{{ out.json }}'}",
        "- {shell: 'a {{ item.x }}', loop: {x: '{{ out.lines }}', y: [1]}}",
        "- {shell: 'a {{ item }}', loop: ['{{ out.stdout }}']}",
        "- shell: {run: a, unless: 'a {{ out.stdout }}'}",
        "- script: {src: s.sh, only_if: 'a {{ out.stdout }}'}",
        "- command: [sh, -c, 'a {{ out.stdout }}']",
        "- command: [sudo, -n, /bin/bash, -euc, 'a {{ out.stdout }}']",
        "- command: 'sh -c \"a {{ out.stdout }}\"'",
        "- wait_for: {command: [sh, -c, 'a {{ out.stdout }}']}",
        "- {command: a, on_unknown: rerun, verify: [sh, -c, 'a {{ out.stdout }}']}",
        "- block: [{shell: 'a {{ out.stdout }}'}]",
        "- include: {file: more.yaml, vars: {text: '{{ out.stdout }}'}}",
    ],
)
def test_every_text_that_a_shell_reads_is_looked_at(step, tmp_path):
    """Guards, words behind ``sh -c``, items of a loop, and what an included file was handed."""
    more = "inputs: {text: {type: string}}\nsteps: [{shell: 'a {{ inputs.text }}'}]\n"

    assert len(problems(tmp_path, step, s_sh="echo\n", more_yaml=more)) == 1


def test_quoting_between_quotes_is_in_vain(tmp_path):
    """The value would close them, or be read between double ones."""
    (found,) = problems(tmp_path, "- shell: 'echo \"{{ out.stdout | quote }}\"'")

    assert f'"out" {IN_VAIN}' in found


WITH_SECRET = "secrets: {token: {env: T}}\nvars: {via: 'x{{ secrets.token }}'}\n"
SECRET_HOSTS = "hosts: {web1: {vars: {mine: '{{ secrets.token }}'}}}\n"


@pytest.mark.parametrize(
    "step",
    [
        "- {command: 'a {{ item }}', loop: ['{{ secrets.token }}']}",
        "- {command: 'a {{ mine }}'}",
        "- {command: 'a {{ host.vars.mine }}'}",
        "- {command: 'a {{ kept2 }}'}",
        "- {command: 'a {{ via | quote }}'}",
        "- http: 'http://x/{{ secrets.token }}'",
        "- http: {url: 'http://x/?t={{ via }}', headers: {a: b}}",
        "- wait_for: {command: [a, '{{ via }}']}",
        "- copy: {content: x, dest: /x, validate: [a, '{{ via }}', '%s']}",
        "- file: {path: '/x/{{ via }}', state: directory}",
        "- fetch: {src: '/x/{{ via }}', dest: x}",
        "- include: {file: more.yaml, vars: {text: '{{ via }}'}}",
    ],
)
def test_a_secret_is_no_argument_by_any_way(step, tmp_path):
    """Every user of the host could read it in the list of processes."""
    more = "inputs: {text: {type: string}}\nsteps: [{command: 'a {{ inputs.text }}'}]\n"
    steps = f"- set: {{kept2: '{{{{ secrets.token }}}}'}}\n{step}"

    found = problems(tmp_path, steps, more=WITH_SECRET, hosts=SECRET_HOSTS, more_yaml=more)

    assert [line for line in found if "can be read by every user of the host [E415]" in line]
    assert len(found) == 1


def test_a_secret_goes_by_env_stdin_content_header_and_body(tmp_path):
    """None of these stands in an argument list on the host; nor does an address that the controller asks."""
    steps = (
        "- {command: a, env: {T: '{{ via }}'}, stdin: '{{ via }}'}\n"
        "- copy: {content: '{{ via }}', dest: /x}\n"
        "- http: {url: 'http://x/', method: POST, headers: {a: '{{ via }}'}, body: '{{ via }}'}\n"
        "- http: {url: 'http://x/{{ via }}', from: controller}"
    )

    assert problems(tmp_path, steps, more=WITH_SECRET) == []
