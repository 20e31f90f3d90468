"""Syntax errors, needed names and their places are found without rendering."""

import pytest

from runner.location import Location
from runner.model.template import Template
from runner.templating import Templates

HERE = Location("play.yaml", 1)
TEMPLATES = Templates()


@pytest.mark.parametrize(
    ("source", "bare", "message", "marked"),
    [
        ("{{ a }", False, 'unexpected "}"', "}"),
        ("x\n{{ a | nofilter }}", False, 'there is no filter "nofilter"', "nofilter"),
        ("{{ a is notest }}", False, 'there is no test "notest"', "notest"),
        ("{% inclde 'x' %}", False, 'Encountered unknown tag "inclde"', "inclde"),
        ("{% include 'x' %}", False, 'a template may not load another one with "include"', "include"),
        ("echo ${#name}", False, '"{#" begins a comment that has no end', "{#"),
        ("a b", True, 'unexpected "b"', "b"),
        ("a ==", True, 'unexpected "end of template"', "a =="),
    ],
)
def test_syntax_errors_have_offsets(source, bare, message, marked):
    """The fault is marked at the thing it names."""
    (fault,) = TEMPLATES.faults(Template(source, HERE, bare=bare))

    assert fault.message == message
    assert source[fault.offset : fault.offset + fault.length] == marked


def test_a_go_template_gets_its_hint():
    """A Go template in a command is a common slip."""
    (fault,) = TEMPLATES.faults(Template("{{.Names}}", HERE))

    assert fault.hint.startswith("a Go template?")


def test_the_length_of_a_shell_variable_gets_its_hint():
    """It looks like a comment to a template; what the hint writes is what the shell is to see."""
    (fault,) = TEMPLATES.faults(Template("echo ${#name}", HERE))

    assert fault.hint.startswith("in shell text write ${{ '{#' }}NAME}")
    assert TEMPLATES.render(Template("echo ${{ '{#' }}name}", HERE), {}) == "echo ${#name}"


def test_good_syntax_has_no_faults():
    """Nothing is said about a good template."""
    assert TEMPLATES.faults(Template("{{ a | upper }} {% for x in range(3) %}{{ loop.index }}{% endfor %}", HERE)) == ()


def test_names_leave_out_what_a_template_asks_about():
    """A name behind default or "is defined" need not exist; own names don't either."""
    source = "{{ a | default(b) }}{% if c is defined %}{{ c }}{% endif %}{% set d = e.f %}{{ d }}{{ range(2) }}"

    assert TEMPLATES.names(Template(source, HERE)) == {"b", "e"}
    assert TEMPLATES.mentions(Template(source, HERE)) == {"a", "b", "c", "e"}
    assert TEMPLATES.names(Template("{{ a", HERE)) == frozenset()


def test_nothing_of_jinja2s_own_is_there():
    """Names that jinja2 brings along are undefined like any other, but range."""
    assert TEMPLATES.names(Template("{{ cycler }}{{ lipsum }}{{ namespace }}{{ range }}", HERE)) == {
        "cycler",
        "lipsum",
        "namespace",
    }


def test_members_of_a_name_are_listed():
    """Both ways of writing a member count, but not one that is asked about."""
    source = "{{ secrets.a }}{{ secrets['b'] }}{{ secrets.c is defined }}{{ other.d }}{{ secrets[x] }}"

    assert TEMPLATES.members(Template(source, HERE), "secrets") == {"a", "b"}


def test_the_place_of_a_name_is_its_first_use_as_a_variable():
    """Attributes, filters and text of the same spelling are passed over."""
    source = "upper {{- x.upper }} {{ y | upper }} {{ upper }}"

    assert TEMPLATES.place(Template(source, HERE), "upper") == source.rindex("upper")
    assert TEMPLATES.place(Template("a.b and b", HERE, bare=True), "b") == 8
    assert TEMPLATES.place(Template("{{ a }}", HERE), "nowhere") == 0


def test_what_a_template_takes_is_told_member_by_member():
    """As far as members are written out; what is only asked for is left out, and local names lead nowhere else."""
    source = "hosts[item].results.x == 'a.b' and y is defined and z.a['b'].c(1).d | default(q)"

    uses = TEMPLATES.uses(Template(source, HERE, bare=True))

    assert set(uses.paths) == {("hosts", None, "results", "x"), ("item",), ("z", "a", "b", "c"), ("q",)}
    assert uses.names_members == {"results", "x", "a", "b", "c"}
