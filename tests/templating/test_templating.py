"""Templates are compiled from our files alone, keep types, stay in bounds and say what is wrong."""

import json
import time
from collections.abc import Mapping

import pytest

from runner.errors import RenderError
from runner.location import Location
from runner.model.outcome import Outcome, Status
from runner.model.result import Result
from runner.model.template import Template
from runner.templating import Templates

HERE = Location("play.yaml", 7, 11)
TEMPLATES = Templates(yaml_load=lambda text: {"loaded": text})


def template(source):
    return Template(source, HERE)


def render(source, **scope):
    return TEMPLATES.render(template(source), scope)


def holds(source, **scope):
    return TEMPLATES.condition(Template(source, HERE, bare=True), scope)


def test_text_with_an_expression_gives_text():
    """Anything but a lone expression is text."""
    assert render("v{{ number }}", number=1.10) == "v1.1"
    assert render("{{ a }}{{ b }}", a=1, b=2) == "12"
    assert render("{% if a %}yes{% endif %}\n", a=True) == "yes\n"


@pytest.mark.parametrize("value", [1, 1.5, True, None, "1.10", [1, {"a": 2}], {"a": [1]}])
def test_a_lone_expression_keeps_its_type(value):
    """A whole-string expression gives the value itself, never a guess from its text."""
    assert render("{{ value }}", value=value) == value
    assert type(render("{{ value }}", value=value)) is type(value)


def test_a_tree_is_rendered_and_its_plain_parts_are_shared():
    """Only what holds a template is made anew."""
    plain = {"x": [1, 2]}
    tree = {"a": [template("{{ n }}"), "{{ n }}"], "b": plain}

    done = TEMPLATES.render(tree, {"n": 3})

    assert done == {"a": [3, "{{ n }}"], "b": plain}
    assert done["b"] is plain
    assert TEMPLATES.render(plain, {}) is plain


@pytest.mark.parametrize("text", ["{{ secret }}", "{% for x in y %}", "{#", "{{ '{{' }}", "{% raw %}", "}}{{ 1/0 }}"])
def test_what_a_host_printed_comes_out_literally(text):
    """Text of a host is data through variables, loops, conditions and nested data."""
    host = {"stdout": text, "lines": [text], "json": {"deep": [{"x": text}]}}

    assert render("{{ result.stdout }}", result=host) == text
    assert render("<{{ result.stdout }}>", result=host) == f"<{text}>"
    assert render("{{ again }}", again=template("{{ result.json.deep[0].x }}"), result=host) == text
    assert render("{% for line in result.lines %}{{ line }}{% endfor %}", result=host) == text
    assert render("{{ result.json }}", result=host) == {"deep": [{"x": text}]}
    assert holds("result.stdout == other", result=host, other=text)
    assert TEMPLATES.render([template("{{ a }}")], {"a": template("{{ b }}"), "b": text}) == [text]


def test_variables_are_rendered_where_they_are_used():
    """A variable's own template sees the same names."""
    scope = {
        "url": template("http://{{ name }}:{{ port }}/"),
        "name": template("{{ short }}.example"),
        "short": "a",
        "port": 80,
    }

    assert TEMPLATES.render(template("get {{ url }}"), scope) == "get http://a.example:80/"


def test_a_mapping_variable_may_use_itself():
    """Items of a mapping are rendered when they are taken, so one may use its neighbour."""
    paths = {"root": "/srv", "app": template("{{ paths.root }}/app"), "deep": {"bin": template("{{ paths.app }}/bin")}}

    assert render("{{ paths.deep.bin }}", paths=paths) == "/srv/app/bin"
    assert render("{{ paths }}", paths=paths) == {"root": "/srv", "app": "/srv/app", "deep": {"bin": "/srv/app/bin"}}
    assert render("{{ paths | length }} {{ paths.items() | list | last }}", paths=paths).endswith("'/srv/app/bin'}]")
    assert render("{{ paths | combine({'root': '/x'}) }}", paths=paths)["app"] == "/srv/app"
    assert render("{{ paths | tojson }}", paths={"a": template("{{ 1 }}")}) == '{"a": 1}'
    assert render("{{ paths.values() | list }}", paths={"a": template("{{ 1 }}")}) == [1]
    assert render("{{ paths.get('a') }}{{ paths.get('b', 2) }}", paths={"a": template("{{ 1 }}")}) == "12"
    assert holds("p == {'a': 1} and not p != {'a': 1}", p={"a": template("{{ 1 }}")})


def test_a_list_variable_holds_rendered_items():
    """Lists are rendered as a whole."""
    assert render("{{ xs | join(',') }}", xs=["a", template("{{ b }}")], b="B") == "a,B"


def test_a_circle_names_its_members():
    """Variables that need each other are an error that shows the way round."""
    with pytest.raises(RenderError) as caught:
        render("{{ a }}", a=template("{{ b }}"), b=template("{{ m.x }}"), m={"x": template("{{ a }}")})

    assert caught.value.message == "a variable needs itself: a -> b -> m.x -> a"


def test_a_broken_variable_hurts_only_who_uses_it():
    """jinja2 looks names up early; a branch not taken must not fail."""
    scope = {"good": 1, "bad": template("{{ nowhere }}"), "worse": template("{{ 1 / 0 }}")}

    assert render("{{ good if good else bad }}{{ '' if good else worse }}", **scope) == "1"
    assert render("{{ bad | default('none') }}", **scope) == "none"
    assert not holds("bad is defined", **scope)
    assert holds("bad is undefined", **scope)
    with pytest.raises(RenderError, match="divides by zero"):
        render("{{ worse | default(1) }}", **scope)


def test_an_undefined_name_is_an_error_with_a_suggestion():
    """The message names it, the place is the template's, the hint the nearest name."""
    with pytest.raises(RenderError) as caught:
        render("x {{ relase }}", release=1)

    error = caught.value
    assert (error.message, error.hint, error.undefined) == (
        '"relase" is undefined',
        'did you mean "release"?',
        "relase",
    )
    assert error.location == HERE


@pytest.mark.parametrize(
    "source", ["{{ [nope] }}", "{{ {'a': nope} }}", "{{ nope }}", "{{ r.jsno }}", "{{ nope + 1 }}", "{{ xs[5] }}"]
)
def test_undefined_is_never_passed_on(source):
    """Neither alone nor inside a list does an undefined value get out."""
    with pytest.raises(RenderError) as caught:
        render(source, r={"json": 1}, xs=[])

    assert caught.value.undefined


def test_mapping_items_win_over_methods():
    """Answers have keys such as items, keys and values."""
    data = {"items": [1], "keys": 2}

    assert render("{{ data.items }}", data=data) == [1]
    assert render("{{ data.keys + 1 }}", data=data) == 3
    assert render("{{ data.values() | list | length }}", data=data) == 2


class View(Mapping):
    """A view over another host, as the scope has it."""

    def __init__(self, name, values):
        self.name = name
        self.data = values

    def __getitem__(self, key):
        return self.data[key]

    def __iter__(self):
        return iter(self.data)

    def __len__(self):
        return len(self.data)

    def scope_within(self, scope):
        return {**scope, **self, "me": self.name}


def test_another_hosts_variables_see_that_host():
    """A view says in which scope its templates are rendered."""
    hosts = {"web1": View("web1", {"rack": "r1", "label": template("{{ me }}-{{ rack }}")})}

    assert render("{{ hosts.web1.label }}|{{ me }}", hosts=hosts, me="web2", rack="r9") == "web1-r1|web2"
    assert render("{{ hosts.web1 }}", hosts={"web1": View("web1", {"a": 1})}) == {"a": 1}
    assert render("{{ hosts['web1']['label'] }}", hosts=hosts, me="web2", rack="r9") == "web1-r1"


def test_what_holds_data_is_written_as_data():
    """A registered result and a host, alone, in text and through the filters that write data."""
    result = Result(Outcome(Status.OK), extra={"version": 3})
    host = View("web1", {"rack": template("{{ me }}-r1")})
    names = {"result": result, "host": host, "hosts": {"web1": host}, "pair": ("a", "b")}

    assert render("{{ result }}", **names)["version"] == 3
    assert "'version': 3}" in render("got {{ result }} {{ [result] }}", **names)
    assert json.loads(render("{{ {'is': result} | tojson }}", **names))["is"]["version"] == 3
    assert render("{{ host | to_yaml }}{{ host | tojson }}", **names) == 'rack: web1-r1\n{"rack": "web1-r1"}'
    assert render("{{ hosts }} {{ pair }}", **names) == "{'web1': {'rack': 'web1-r1'}} ['a', 'b']"


@pytest.mark.parametrize(
    "source",
    [
        "{{ 'a' * 10 ** 9 }}",
        "{{ 10 ** 9 * 'a' }}",
        "{{ 9 ** (9 ** 9) }}",
        "{{ [0] * 10 ** 9 }}",
        "{{ 'a'.ljust(10 ** 9) }}",
        "{{ 'a' | center(10 ** 9) }}",
        "{{ 'aaaa' * 1000 | replace('a', 'b' * 100000) }}",
        "{{ 'aaaa'.replace('a', 'b' * 1000000) }}",
        "{{ ('b' * 1000000).join(range(10)) }}",
        "{{ '%999999999d' % 1 }}",
        "{{ '%999999999d' | format(1) }}",
        "{{ '{:999999999d}'.format(1) }}",
        "{{ range(10 ** 9) | list }}",
        "{% set r = range(100000) %}{% for a in r %}{% for b in r %}{% endfor %}{% endfor %}",
        "{% for a in range(1000) %}{% for b in range(1000) %}{{ 'x' * 100 }}{% endfor %}{% endfor %}",
        "{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}",
        "{% set a = 'x' * 1000000 %}{{ a + a }}",
        "{{ ('a' * 100000) is match('(a+)+b') }}",
        "{{ (9 ** 20000) * (9 ** 20000) }}",
    ],
)
def test_nothing_huge_is_made(source):
    """Each payload ends at once, as an error."""
    start = time.process_time()

    with pytest.raises(RenderError):
        render(source)

    assert time.process_time() - start < 2


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("{{ ''.__class__ }}", "may not"),
        ("{{ xs.append(1) }}", "may not"),
        ("{{ ''.join.__globals__ }}", "undefined"),
        ("{{ cycler(1) }}", "undefined"),
        ("{% include 'x' %}", "can't be rendered"),
        ("{{ xs.index }}", "no data"),
        ("{{ 1 / 0 }}", "divides by zero"),
        ("{{ 1 + 'a' }}", "can't be rendered"),
        ("{{ x | nofilter }}", "wrong"),
        ("{{ 'x' | from_json }}", "can't be rendered"),
        ("{{ 2.0 ** 99999 }}", "too large"),
    ],
)
def test_every_fault_has_one_form(source, words):
    """Whatever jinja2 or Python raises becomes a RenderError with the template's place."""
    with pytest.raises(RenderError, match=words) as caught:
        render(source, xs=[], x=1)

    assert caught.value.location == HERE


def test_conditions_take_truth_but_no_text():
    """Text would be true even if it reads "false", so it is an error."""
    assert holds("n > 1 and flag", n=2, flag=True)
    assert not holds("items", items=[])
    assert not holds("nothing", nothing=None)
    assert TEMPLATES.condition(True, {})
    with pytest.raises(RenderError, match="gives text"):
        holds("answer", answer="false")


def test_results_are_plain_data():
    """Generators become lists, subclasses of text become text, an if without else is empty."""
    assert render("{{ xs | map('upper') }}", xs=["a"]) == ["A"]
    assert render("{{ xs }}", xs=template("{{ ys | select }}"), ys=[0, 1]) == [1]
    assert type(render("{{ x | escape }}", x="<")) is str
    assert render("{{ (1, 2) }}") == [1, 2]
    assert render("{{ range(3) }}{{ range(3)[1] }}{{ range(3) | length }}").endswith("13")
    assert render("{{ range(3) }}") == [0, 1, 2]
    assert render("{{ 'x' if no }}", no=False) == ""
    assert render("{{ v }}", v={"a": (1, template("{{ 2 }}"))}) == {"a": [1, 2]}


def test_a_template_file_gives_text_always():
    """Rendered to a file, also a lone expression is text."""
    assert TEMPLATES.text(template("{{ n }}"), {"n": 5}) == "5"
    assert TEMPLATES.text(template("a\n"), {}) == "a\n"


@pytest.mark.parametrize(
    ("source", "value"),
    [
        ("{{ 'a b' | quote }}", "'a b'"),
        ("{{ ['a b', 'c'] | quote }}", "'a b' c"),
        ("{{ '[1]' | from_json }}", [1]),
        ("{{ 'a: 1' | from_yaml }}", {"loaded": "a: 1"}),
        ("{{ {'a': [1, {'b': 'no', 'c': []}], 'd': 'x y'} | to_yaml }}", 'a:\n  - 1\n  - b: "no"\n    c: []\nd: x y\n'),
        ("{{ 'é' | b64encode }}", "w6k="),
        ("{{ 'w6k=' | b64decode }}", "é"),
        ("{{ '/a/b.c' | basename }}{{ '/a/b.c' | dirname }}", "b.c/a"),
        ("{{ {'a': {'x': 1}, 'b': 1} | combine({'a': {'y': 2}}) }}", {"a": {"y": 2}, "b": 1}),
        ("{{ {'a': {'x': 1}} | combine({'a': {'y': 2}}, recursive=true) }}", {"a": {"x": 1, "y": 2}}),
        ("{{ [1, 2, 2, 3] | difference([3]) }}", [1, 2]),
        ("{{ [1, 2] | intersect([2, 3]) }}", [2]),
        ("{{ [1, 2] | union([2, 3]) }}", [1, 2, 3]),
        ("{{ [1, [2, [3]]] | flatten }}", [1, 2, 3]),
        ("{{ [1, [2, [3]]] | flatten(1) }}", [1, 2, [3]]),
        ("{{ 'a1b2' | regex_replace('[0-9]', '') }}", "ab"),
        ("{{ 'v1.2' | regex_search('[0-9]') }}", "1"),
        ("{{ 'v1.2' | regex_search('([0-9]).([0-9])') }}", ["1", "2"]),
        ("{{ 'x' | regex_search('[0-9]') }}", None),
        ("{{ '1.10' is version('1.9', '>') }}", True),
        ("{{ '2.0-rc1' is version('2.0', '<') }}", True),
        ("{{ '1.0' is version('1', '==') }}", True),
        ("{{ 'Abc' is match('a', ignorecase=true) and 'abc' is search('c') }}", True),
    ],
)
def test_the_added_filters_and_tests(source, value):
    """Each filter and test of the language does what its name says."""
    assert render(source) == value


def test_an_unknown_version_operator_is_named():
    """The message lists the operators."""
    with pytest.raises(RenderError, match="unknown operator"):
        render("{{ '1' is version('2', '~') }}")
