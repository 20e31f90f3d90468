"""The inputs of a playbook as people read them before they give any."""

from runner.location import Location
from runner.model.playbook import Input
from runner.reporting.inputs import listed

HERE = Location("site.yaml", 1)


def test_every_input_has_its_type_default_choices_and_help():
    """Values stand as they could be typed."""
    inputs = {
        "release": Input("release", "string", HERE, pattern="^v", help="the release\nto deploy"),
        "drain": Input("drain", "duration", HERE, default=5400, is_required=False),
        "short": Input("short", "duration", HERE, default=0.5, is_required=False),
        "size": Input("size", "choice", HERE, choices=("small", "large")),
        "on": Input("on", "boolean", HERE, default=True, is_required=False),
        "names": Input("names", "list", HERE, default=["a", 1], is_required=False),
        "ports": Input("ports", "mapping", HERE, default={"web": 80}, is_required=False),
        "note": Input("note", "string", HERE, default="", is_required=False),
    }

    assert list(listed("site.yaml", inputs)) == [
        "Inputs of site.yaml:",
        "  release  string    matching ^v; required",
        "           the release",
        "           to deploy",
        "  drain    duration  default 1h30m",
        "  short    duration  default 0.5s",
        "  size     choice    one of small, large; required",
        "  on       boolean   default true",
        "  names    list      default [a, 1]",
        "  ports    mapping   default {web: 80}",
        '  note     string    default ""',
        "Give them with -e NAME=VALUE, as in -e release=…, or -e @FILE.yaml.",
    ]


def test_a_playbook_without_inputs_says_so():
    """One line, no empty table."""
    assert list(listed("site.yaml", {})) == ["site.yaml has no inputs"]


def test_the_example_can_be_typed():
    """Of the first that must be given, else of the first: a choice, or what the type asks for."""
    size = Input("size", "choice", HERE, choices=("small", "large"))
    names = Input("names", "list", HERE, default=[], is_required=False)

    assert "-e size=small," in list(listed("a", {"names": names, "size": size}))[-1]
    assert "-e names='[a, b]'," in list(listed("a", {"names": names}))[-1]
