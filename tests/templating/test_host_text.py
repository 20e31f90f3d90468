"""Whatever a host prints is data: it comes out of any template as it went in."""

from hypothesis import given, settings
from hypothesis import strategies as some

from runner.location import Location
from runner.model.template import Template
from runner.templating import Templates

HERE = Location("play.yaml", 1)
TEMPLATES = Templates()
PIECES = some.sampled_from(
    ["{{ secret }}", "{%", "%}", "{#", "}}", "{{ 1 / 0 }}", "{% for a in b %}", "\n", "x", "'", '"']
)
TEXT = some.one_of(some.text(max_size=20), some.lists(PIECES, max_size=6).map("".join))
DATA = some.recursive(
    some.one_of(TEXT, some.integers(), some.booleans(), some.none()),
    lambda inner: some.one_of(
        some.lists(inner, max_size=3), some.dictionaries(some.text(min_size=1, max_size=5), inner, max_size=3)
    ),
    max_leaves=8,
)


def template(source):
    return Template(source, HERE)


@settings(deadline=None)  # a busy machine is no failure
@given(TEXT)
def test_text_of_a_host_comes_out_literally(text):
    """Alone, inside other text, through a variable, and in a loop."""
    scope = {"said": text, "via": template("{{ said }}"), "twice": template("{{ via }}"), "secret": "S3CRET"}

    assert TEMPLATES.render(template("{{ said }}"), scope) == text
    assert TEMPLATES.render(template("<{{ twice }}>"), scope) == f"<{text}>"
    assert TEMPLATES.render(template("{% for one in [said] %}{{ one }}{% endfor %}"), scope) == text
    assert TEMPLATES.condition(Template("twice == said", HERE, bare=True), scope)


@settings(deadline=None)  # a busy machine is no failure
@given(DATA)
def test_data_of_a_host_comes_out_as_it_is(data):
    """However it is nested, registered or laid beside templates of ours."""
    scope = {"result": {"json": data}, "mine": {"copy": template("{{ result.json }}")}, "secret": "S3CRET"}

    assert TEMPLATES.render(template("{{ result.json }}"), scope) == data
    assert TEMPLATES.render(template("{{ mine }}"), scope) == {"copy": data}
    assert TEMPLATES.render({"kept": data, "own": template("{{ 1 }}")}, scope) == {"kept": data, "own": 1}
