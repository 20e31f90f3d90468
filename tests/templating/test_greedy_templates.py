"""No template takes the controller's time or memory, whatever it does and whatever values it is given."""

import json
import subprocess
import sys
import time

import pytest

from runner.errors import RenderError
from runner.location import Location
from runner.model.template import Template
from runner.templating import Templates, budget
from runner.templating.measured import STRUCTURAL, TEXTUAL
from runner.templating.sandbox import Sandbox

HERE = Location("play.yaml", 3)
SHARED = "{% set a=[1]*1000 %}{% set b=[a]*1000 %}{% set c=[b]*1000 %}"
BIG = "'a'*1000000"
GREEDY = [
    "{{ 'a'*10**9 }}",
    "{{ 9**(9**9) }}",
    "{% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}{% endfor %}",
    "{% set l=[1]*1000000 %}{% for a in l %}{% for b in l %}{% endfor %}{% endfor %}",
    f"{{% set a={BIG} %}}" + "{% set a=a~a %}" * 12 + "{{ a|length }}",
    f"{{% set a=[{BIG}] %}}" + "{% set a=a+a %}" * 30 + "{{ a|length }}",
    f"{{{{ ({BIG})|replace('a','b'*100000)|length }}}}",
    f"{{{{ ({BIG}).replace('a','b'*100000)|length }}}}",
    f"{{{{ ([{BIG}]*5000)|join|length }}}}",
    f"{{{{ ''.join([{BIG}]*5000)|length }}}}",
    f"{{{{ ([{BIG}]*5000)|map('upper')|list|length }}}}",
    f"{{{{ ([{BIG}]*5000)|tojson|length }}}}",
    f"{{% set x={BIG} %}}{{% set y %}}{{% for i in range(9999) %}}{{{{ x }}}}{{% endfor %}}{{% endset %}}{{{{ y }}}}",
    "{{ ('\\n'*1000000)|indent(100000)|length }}",
    "{{ ('a '*500000)|wordwrap(1, wrapstring='b'*1000)|length }}",
    "{{ [[[1]]]|tojson(indent=10**9)|length }}",
    "{{ [1]|to_yaml(indent=10**9)|length }}",
    "{{ range(99999)|map('center',99999)|list|length }}",
    "{{ 1.5|round(10**8,'ceil') }}",
    "{{ ([[1]*1000]*100000)|sum(start=[])|length }}",
    "{{ '%999999999d' % 1 }}{{ '%*d'|format(10**9,1) }}",
    "{{ '{:{w}}'.format(1,w=10**9) }}",
    "{{ '1'.zfill(10**9) }}",
    "{{ (1).to_bytes(10**9,'big')|length }}",
    "{{ ('a'*1000000).translate({97:'b'*100000})|length }}",
    SHARED + "{{ c|flatten|length }}",
    SHARED + "{{ c }}",
    SHARED + "{{ c|tojson|length }}",
    SHARED + "{{ c|string|length }}",
    SHARED + "{{ ('%s'%(c,))|length }}",
    SHARED + "{{ '{}'.format(c)|length }}",
    "{{ [[[1]*1000]*1000]*1000 }}",
    "{% macro f(n) %}{% if n %}{{ f(n-1) }}{{ f(n-1) }}{% endif %}{% endmacro %}{{ f(60) }}",
    "{% macro f(n) %}{{ f(n) }}{% endmacro %}{{ f(1) }}",
    "{{ ('a'*40)|regex_search('(a+)+$b') }}",
    "{{ ('a'*60000)|regex_replace('a','b'*60000)|length }}",
    "{{ '" + "a" * 40 + "' is search('(a+)+$b') }}",
    "{{ hostile | regex_search('^(\\\\w+\\\\s?)*$') }}",
    "{{ " + "(" * 5000 + "1" + ")" * 5000 + " }}",
    "{{a}}" * 100000,
]
ALONE = """
import json, sys, time
from runner.errors import RenderError
from runner.location import Location
from runner.model.template import Template
from runner.templating import Templates, budget
budget.SECONDS = 0.1
templates, told = Templates(), []
for source in json.load(sys.stdin):
    template, begun = Template(source, Location("play.yaml", 3)), time.process_time()
    templates.faults(template)
    try:
        templates.render(template, {"hostile": "word " * 200 + "!", "a": "x"})
        word = "rendered"
    except RenderError as error:
        word = f"{error.location}: {error.message}"
    told.append([time.process_time() - begun, word])
peak = next(line for line in open("/proc/self/status") if line.startswith("VmHWM"))
print(json.dumps([int(peak.split()[1]) // 1024, told]))
"""


def test_no_template_takes_more_than_a_moment_or_much_memory():
    """Each is refused with its place; all in one process, whose peak of memory is counted in MiB."""
    done = subprocess.run(
        [sys.executable, "-c", ALONE], input=json.dumps(GREEDY), capture_output=True, text=True, timeout=60, check=True
    )
    peak, told = json.loads(done.stdout)

    refused = [word.startswith("play.yaml:3:1: the template ") for _, word in told]
    assert [source[:60] for source, is_refused in zip(GREEDY, refused, strict=True) if not is_refused] == []
    assert [(source[:60], took) for source, (took, _) in zip(GREEDY, told, strict=True) if took > 0.5] == []
    assert peak < 200


def test_the_time_of_a_template_is_under_a_second():
    """As it is when nobody has changed it; a filter that catches errors does not keep the template going."""
    begun = time.process_time()

    with pytest.raises(RenderError, match=r"takes too long: more than 0.6 s of processor time") as caught:
        Templates().render(Template("{{ via | default('x') }}", HERE), {"via": Template(GREEDY[3], HERE)})

    assert time.process_time() - begun < 1.0
    assert caught.value.location == HERE


def test_looking_into_a_template_runs_nothing_of_it(monkeypatch):
    """Constants are not reckoned before the run: a regular expression in one would hold up ``validate``."""
    monkeypatch.setattr(budget, "SECONDS", 0.1)
    source = "{{ '" + "a" * 40 + "' | regex_search('(a+)+$b') }}{{ 'b' | center(90000) }}"

    begun = time.process_time()

    assert Templates().faults(Template(source, HERE)) == ()
    assert time.process_time() - begun < 0.1


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("{{ " + "[" * 5000 + "]" * 5000 + " }}", "the template is nested too deep"),
        ("{{a}}" * 100000, "the template takes too long: more than 0.1 s to read"),
    ],
)
def test_what_can_not_be_read_in_time_is_a_fault(source, said, monkeypatch):
    """Not a fault of runner's own."""
    monkeypatch.setattr(budget, "SECONDS", 0.1)

    assert [fault.message for fault in Templates().faults(Template(source, HERE))] == [said]


def test_ordinary_work_is_let_be():
    """Ten thousand hosts in a file, lists put together, numbers made wide: nothing of it is greedy."""
    scope = {"names": [f"web{number:05d}" for number in range(10_000)], "answer": {"stdout": "x" * (2 << 20)}}

    def render(source):
        return Templates().render(Template(source, HERE), scope)

    assert len(render("{% for n in names %}{{ n | upper }} {{ loop.index }}\n{% endfor %}")) > 100_000
    assert render("{{ names | union(names) | length }} {{ names | difference(names[5:]) | length }}") == "10000 5"
    assert render("{{ [[1], [2, 3]] | sum(start=[]) }}") == [1, 2, 3]
    assert render("{{ [1, 2, 3] | sum }} {{ '%05d' % 42 }} {{ '{:>6}'.format(1) }} {{ 2.345 | round(1) }}") == (
        "6 00042      1 2.3"
    )
    assert render("{{ {'a': [1]} | tojson(indent=2) }}") == '{\n  "a": [\n    1\n  ]\n}'
    assert render("{{ names[:2] | join(' ') }} {{ 'a' ~ 1 ~ none }}") == "web00000 web00001 a1None"
    assert render("{{ answer }}") == scope["answer"]
    assert render("{{ [[1], {'a': 1}, 1] | union([[1], {'a': 1}, 2]) }}") == [[1], {"a": 1}, 1, 2]


def test_there_are_no_filters_but_those_that_are_measured():
    """A newer jinja2 may bring others along; they count once somebody has looked at them."""
    sandbox = Sandbox(yaml_load=str)

    assert set(sandbox.filters) == STRUCTURAL | TEXTUAL
    assert all(getattr(function, "jinja_pass_arg", None) is not None for function in sandbox.filters.values())
    assert dict(sandbox.globals) == {"range": range}
    assert sandbox.loader is None
