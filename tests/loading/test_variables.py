"""Where a variable has its value from."""

from runner.loading.documents import Problems
from runner.loading.inventory import load_inventory
from runner.loading.variables import Origin, explain
from runner.location import Location
from runner.model.inventory import Host, Layer

INVENTORY = """\
vars: {size: 1}
hosts:
  web[1-3]: {vars: {size: 4}}
  web2: {vars: {size: 5}}
groups:
  web: {hosts: ["web*"], vars: {size: 3}}
  all_of_it: {groups: [web], vars: {size: 2, other: x}}
"""


def host(tmp_path, name: str) -> Host:
    """A host of the inventory above."""
    (tmp_path / "i.yaml").write_text(INVENTORY)
    found = load_inventory("i.yaml", Problems(), base=tmp_path).find(name)
    assert found is not None
    return found


def test_all_places_are_told_in_the_order_of_precedence(tmp_path):
    """File, parent group, group, range, own entry: each with its line, the winner last."""
    origins = explain(host(tmp_path, "web2"), "size")

    assert [(origin.layer, origin.value, origin.location.line) for origin in origins] == [
        ("inventory", 1, 1),
        ("group all_of_it", 2, 7),
        ("group web", 3, 6),
        ("hosts web[1-3]", 4, 3),
        ("host web2", 5, 4),
    ]


def test_the_playbook_comes_after_the_inventory(tmp_path):
    """Layers of a playbook win over all of the inventory's; a name that is set nowhere has no place."""
    place = Location("play.yaml", 4)
    layer = Layer("play deploy", {"other": "y"}, {"other": place})

    origins = explain(host(tmp_path, "web1"), "other", [layer])

    assert origins[-1] == Origin("play deploy", "y", place)
    assert [origin.layer for origin in origins] == ["group all_of_it", "play deploy"]
    assert explain(host(tmp_path, "web1"), "nothing") == []
