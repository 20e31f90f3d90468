"""What is let into shell text is harmless there: templates at random, each that is not refused run by a real shell."""

import itertools
import random
import subprocess

import pytest

from runner.errors import RenderError
from runner.location import Location
from runner.model.template import Template
from runner.templating import Templates
from runner.templating.trust import RAW

TEMPLATES = Templates()
PAYLOADS = (
    "$(echo B$((1+1))M)",
    "'; echo B$((1+1))M; '",
    '"; echo B$((1+1))M; "',
    "x\nE\necho B$((1+1))M\n",
    "; echo B$((1+1))M #",
)
VALUES = """
x | d.k | d['k'] | l[0] | l | d | x|quote | l|map('quote')|join(' ') | l|first | l|first|quote | x|upper | x|upper|quote
(x|quote)|upper | x|length | nope|default(x) | nope|default(x|quote) | x if true else 'a' | 'a' ~ x | 'a' ~ (x|quote)
(x|quote) ~ (x|quote) | x|b64encode | x|b64encode|b64decode | x.strip() | x.split(' ')|join | d.values()|list|join
d.items()|list|first|last | d|dictsort|first|last | l|join(x) | ['a','b']|join(x|quote) | l[0:1]|first | (x|quote)[1:]
'a'|replace('a',x) | 'q'|int(x) | x == 'a' | x and 'a' | '' or x | [x|quote,'a']|first | (x,'a')[0] | {'a':x}.a
{'a':x|quote}.a | x|tojson | x|e | x|safe|quote | '%s'|format(x) | '%s' % (x|quote) | '{}'.format(x) | x|list|join
l|map('upper')|map('quote')|join(' ') | l|map('length')|join | r|map(attribute='k')|map('quote')|join(' ')
r|selectattr('k')|map(attribute='k')|first | l|batch(1)|first|first | l|groupby(0)|first|last|first
[[x]]|flatten|first
({}|combine({'a':x})).a | x|quote|quote | x|attr('upper')() | (x|attr('upper'))()|quote | d.get('k')|quote | x + ''
""".replace("\n", " | ").split(" | ")
TEXTS = [
    "echo {{ V }}",
    'echo "{{ V }}"',
    "echo '{{ V }}'",
    'x={{ V }}; echo "$x"',
    'echo "$(echo {{ V }})"',
    "{% set y = V %}echo {{ y }}",
    "{% set y = V %}echo {{ y|quote }}",
    "{% set y %}{{ V }}{% endset %}echo {{ y }}",
    "{% with y = V %}echo {{ y }}{% endwith %}",
    "{% macro m(a) %}{{ a|quote }}{% endmacro %}echo {{ m(V) }}",
    "{% macro m(a=q) %}{{ a }}{% endmacro %}{% set q = V %}echo {{ m() }}",
    "{% filter upper %}echo {{ V }}{% endfilter %}",
    "{% filter quote %}{{ V }}{% endfilter %}",
    "{% if x %}{% set y = V %}{% endif %}echo {{ y|default('') }}",
    "{% macro c() %}{{ caller() }}{% endmacro %}echo {% call c() %}{{ V }}{% endcall %}",
    "{% for i in l %}{% set z = i %}echo {{ z|quote }} {{ V }}; {% endfor %}",
    "cat <<E\n{{ V }}\nE\n",
    "echo `echo {{ V }}`",
    "echo # {{ V }}\necho",
    'echo "${q:-{{ V }}}"',
    "echo \\{{ V }}",
    "case {{ V }} in *) echo hi;; esac",
    "eval echo {{ V }}",
    "sh -c {{ V }}",
]


@pytest.mark.long
def test_what_is_not_refused_runs_nothing_that_a_host_said():
    """A third of all pairs of a text and a value, with every payload."""
    pairs = [(text, value) for text, value in itertools.product(TEXTS, VALUES) if value]
    chosen = random.Random(20261121).sample(pairs, len(pairs) // 3)
    ran, harmful = 0, []

    for text, value in chosen:
        template = Template(text.replace("V", value), Location("play.yaml", 1))
        assert TEMPLATES.faults(template) == (), template.source
        if TEMPLATES.leaks(template, dict.fromkeys("xdlr", RAW)):
            continue
        for payload in PAYLOADS:
            script = rendered(template, payload)
            ran += script is not None
            if script is not None and "B2M" in output_of(script):
                harmful.append((template.source, payload))

    assert harmful == []
    assert ran > 300


def rendered(template, payload):
    """The shell text, or None where the template can't be rendered."""
    scope = {"x": payload, "d": {"k": payload}, "l": [payload, payload], "r": [{"k": payload}]}
    try:
        return TEMPLATES.text(template, scope)
    except RenderError:
        return None


def output_of(script):
    """What a shell makes of it."""
    done = subprocess.run(
        ["sh", "-c", script], capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=10, check=False
    )
    return done.stdout + done.stderr
