"""From inventory files to hosts with all that applies to them."""

import textwrap

import pytest

from runner.loading.documents import Problems, read_text
from runner.loading.inventory import load_inventory
from runner.model.inventory import Become, Inventory
from runner.model.template import Template


def write(folder, **files: str) -> None:
    """Files of a folder: ``a="..."`` is ``a.yaml``."""
    for name, text in files.items():
        (folder / f"{name}.yaml").write_text(textwrap.dedent(text))


def load(folder, text: str, sources="i.yaml") -> Inventory:
    """The inventory in a text, which has no errors."""
    write(folder, i=text)
    problems = Problems()
    inventory = load_inventory(sources, problems, base=folder)
    assert [(p.code, p.message) for p in problems.items] == []
    return inventory


def complaints(folder, text: str = "{}", sources="i.yaml") -> list[tuple[str, str, str, str]]:
    """What is wrong: code, ``line:column``, message and hint of each problem, by place."""
    write(folder, i=text)
    problems = Problems()
    load_inventory(sources, problems, base=folder)
    found = []
    for p in problems.in_order():
        place = f"{p.location.line}:{p.location.column}" if p.location else ""
        found.append((p.code, place, p.message, p.hint))
    return found


EXAMPLE = """\
    vars: {region: eu}
    ssh: {user: deploy, identity: ~/.ssh/deploy, jump: bastion}
    hosts:
      bastion: {address: 203.0.113.7, ssh: {jump: none}}
      web[01-12]: {vars: {rack: "{{ 'a' if host.index is odd else 'b' }}"}}
      db1: {address: 10.0.0.5, ssh: {port: 2222}}
    groups:
      web: {hosts: ["web[01-12]"], vars: {role: web}}
      data: {hosts: [db1]}
      production: {groups: [web, data]}
"""


def test_the_example_of_the_language(tmp_path):
    """Ranges, groups, connection keys and variables come to what the language says."""
    inventory = load(tmp_path, EXAMPLE)

    assert list(inventory.hosts) == ["bastion", *(f"web{number:02d}" for number in range(1, 13)), "db1"]
    assert [host.index for host in inventory.hosts.values()] == list(range(1, 15))
    assert inventory.groups["production"].hosts == (*inventory.groups["web"].hosts, "db1")
    assert inventory.groups["production"].children == ("web", "data")
    assert inventory.hosts["bastion"].options == {"user": "deploy", "identity": "~/.ssh/deploy"}
    db1 = inventory.hosts["db1"]
    assert (db1.address, db1.options["port"], db1.options["jump"]) == ("10.0.0.5", 2222, "bastion")
    assert (db1.groups, db1.vars) == (("production", "data"), {"region": "eu"})
    web01 = inventory.hosts["web01"]
    assert (web01.address, web01.connection, web01.become) == ("web01", "ssh", None)
    rack = web01.vars["rack"]
    assert isinstance(rack, Template)
    assert (rack.source, rack.location.line) == ("{{ 'a' if host.index is odd else 'b' }}", 5)


def test_the_controller_is_always_there(tmp_path):
    """This machine is a host without a group, outside of the others, with the variables of the file."""
    inventory = load(tmp_path, EXAMPLE)

    controller = inventory.find("controller")
    assert controller is not None
    assert (controller.connection, controller.index, controller.groups) == ("local", 0, ())
    assert controller.vars == {"region": "eu"}
    assert "controller" not in inventory.hosts


def test_an_entry_for_one_name_adds_to_its_range(tmp_path):
    """The range gives what the name's own entry does not, wherever that stands; the own entry is nearer."""
    inventory = load(
        tmp_path,
        """\
        hosts:
          web2: {vars: {size: big}, ssh: {port: 22}}
          web[1-3]: {address: 10.0.0.9, vars: {size: small, rack: a}, ssh: {user: app, port: 2222}}
        """,
    )

    web2 = inventory.hosts["web2"]
    assert list(inventory.hosts) == ["web2", "web1", "web3"]
    assert web2.vars == {"size": "big", "rack": "a"}
    assert web2.options == {"user": "app", "port": 22}
    assert web2.address == "10.0.0.9"
    assert [layer.origin for layer in web2.layers] == ["hosts web[1-3]", "host web2"]


def test_of_overlapping_ranges_the_first_holds(tmp_path):
    """A name that is in two ranges belongs to the first of them."""
    inventory = load(tmp_path, "hosts: {'n[1-2]': {vars: {a: 1}}, 'n[2-3]': {vars: {a: 2}}}\n")

    assert [host.vars["a"] for host in inventory.hosts.values()] == [1, 1, 2]


def test_the_nearest_wins(tmp_path):
    """Host over child group over parent group over file; ssh and vars key by key, the rest as a whole."""
    inventory = load(
        tmp_path,
        """\
        vars: {a: file, b: file, c: file, d: file}
        ssh: {user: file, port: 1, config: true}
        become: {user: file, password: pw}
        connection: local
        hosts:
          h1: {vars: {d: host}, ssh: {config: false}, connection: ssh}
          h2: {become: false}
        groups:
          child: {hosts: [h1, h2], vars: {c: child}, become: {user: child}}
          parent: {groups: [child], vars: {b: parent, c: parent}, ssh: {port: 2}}
        """,
    )

    h1, h2 = inventory.hosts["h1"], inventory.hosts["h2"]
    assert h1.vars == {"a": "file", "b": "parent", "c": "child", "d": "host"}
    assert h1.options == {"user": "file", "port": 2, "config": False}
    assert h1.become == Become("child")
    assert (h2.become, h2.connection, h2.options) == (None, "local", {})
    assert [layer.origin for layer in h1.layers] == ["inventory", "group parent", "group child", "host h1"]


def test_groups_come_parents_first_and_then_in_file_order(tmp_path):
    """How deep a group lies decides, then where it stands in the file."""
    inventory = load(
        tmp_path,
        """\
        hosts: {h: }
        groups:
          deep: {hosts: [h]}
          flat: {hosts: [h]}
          middle: {groups: [deep]}
          top: {groups: [middle, deep]}
        """,
    )

    assert inventory.hosts["h"].groups == ("flat", "top", "middle", "deep")


def test_the_hosts_of_a_group_are_patterns(tmp_path):
    """Globs, exclusions, other groups and all are understood, whatever the order of the groups."""
    inventory = load(
        tmp_path,
        """\
        hosts: {'web[1-4]': , db1: }
        groups:
          rest: {hosts: ["all:!odd"]}
          odd: {hosts: ["web[1,3]"]}
          empty: {}
          web: {hosts: ["web*"], groups: [empty]}
        """,
    )

    members = {name: group.hosts for name, group in inventory.groups.items()}
    assert members == {
        "rest": ("web2", "web4", "db1"),
        "odd": ("web1", "web3"),
        "empty": (),
        "web": ("web1", "web2", "web3", "web4"),
    }


def test_hosts_of_one_range_share_what_they_have(tmp_path):
    """What applies to equal hosts is held once."""
    inventory = load(tmp_path, "hosts: {'n[1-3]': {vars: {a: 1}, ssh: {port: 1}}}\ngroups: {g: {hosts: [n3]}}\n")

    n1, n2, n3 = inventory.hosts.values()
    assert n1.vars is n2.vars
    assert n1.layers is n2.layers
    assert n1.options is n2.options
    assert n3.groups == ("g",)


def test_paths_start_at_the_inventory(tmp_path):
    """Relative key files and known_hosts stand beside the inventory; templates too; home and root stay."""
    inventory = load(
        tmp_path,
        """\
        ssh: {identity: [keys/a, /b, ~/c, "keys/{{ x }}", "{{ y }}"], known_hosts: known}
        hosts: {h: }
        """,
    )

    options = inventory.hosts["h"].options
    one, two, three, four, five = options["identity"]
    assert (one, two, three) == (f"{tmp_path}/keys/a", "/b", "~/c")
    assert (four.source, five.source) == (f"{tmp_path}/keys/{{{{ x }}}}", "{{ y }}")
    assert options["known_hosts"] == f"{tmp_path}/known"


@pytest.mark.parametrize(
    ("text", "connecting"),
    [
        ("hosts: {h: }", {"total": 32, "per_address": 8}),
        ("ssh: {connecting: 5}", {"total": 5, "per_address": 8}),
        ("ssh: {connecting: {per_address: 2}}", {"total": 32, "per_address": 2}),
    ],
)
def test_how_many_connections_are_opened_at_a_time(tmp_path, text, connecting):
    """A number is for all together, a mapping for both limits; it is no option of a host."""
    inventory = load(tmp_path, text)

    assert inventory.connecting == connecting
    assert all("connecting" not in host.options for host in inventory.hosts.values())


def test_keys_add_up_over_files(tmp_path):
    """The same host and group may stand in several files."""
    write(
        tmp_path,
        a="hosts: {h: {address: 10.0.0.1, vars: {a: 1}}}\ngroups: {g: {hosts: [h]}}\n",
        b="hosts: {h: {ssh: {port: 2222}, vars: {b: 2}}, h2: }\ngroups: {g: {vars: {c: 3}}}\n",
    )

    inventory = load(tmp_path, "hosts: {h3: }", ["a.yaml", "b.yaml", "i.yaml"])

    assert list(inventory.hosts) == ["h", "h2", "h3"]
    host = inventory.hosts["h"]
    assert (host.address, host.options, host.vars) == ("10.0.0.1", {"port": 2222}, {"c": 3, "a": 1, "b": 2})
    assert [file.rpartition("/")[2] for file in inventory.files] == ["a.yaml", "b.yaml", "i.yaml"]


def test_a_file_speaks_for_its_hosts_and_one_without_hosts_for_all(tmp_path):
    """Keys at the top of a file hold for the hosts in it; a file that has none holds for every host, from below."""
    write(
        tmp_path,
        common="vars: {region: world, ntp: pool}\nssh: {user: deploy}\n",
        eu="vars: {region: eu}\nhosts: {eu1: , both: }\n",
        us="vars: {region: us}\nconnection: local\nhosts: {us1: , both: {vars: {x: 1}}}\n",
    )

    inventory = load(tmp_path, "{groups: {}}", ["eu.yaml", "us.yaml", "common.yaml"])

    seen = {name: (host.vars["region"], host.vars["ntp"], host.connection) for name, host in inventory.hosts.items()}
    assert seen == {"eu1": ("eu", "pool", "ssh"), "us1": ("us", "pool", "local"), "both": ("us", "pool", "local")}
    assert inventory.hosts["eu1"].options == {"user": "deploy"}


def test_a_folder_is_its_yaml_files_in_order(tmp_path):
    """Files are read sorted by name; hidden files and other suffixes are left alone."""
    folder = tmp_path / "inventory"
    folder.mkdir()
    write(folder, b="hosts: {b1: }\n", a="hosts: {a1: }\n")
    (folder / "c.yml").write_text("hosts: {c1: }\n")
    (folder / ".d.yaml").write_text("nonsense")
    (folder / "notes.txt").write_text("nonsense")

    inventory = load(tmp_path, "{}", "inventory")

    assert list(inventory.hosts) == ["a1", "b1", "c1"]


def test_an_inventory_may_stand_in_a_playbook(tmp_path):
    """A mapping inside another document is read like a file; paths in it start at that document."""
    problems = Problems()
    document = read_text("inventory:\n  hosts: {h: {ssh: {port: 0}}}\n", "play.yaml", problems)
    assert document is not None

    inventory = load_inventory((document, ("inventory",)), problems, base=tmp_path)

    assert list(inventory.hosts) == ["h"]
    [problem] = problems.items
    assert (problem.code, str(problem.location)) == ("E503", "play.yaml:2:27")


def test_templates_are_noted(tmp_path):
    """Whoever looks for undefined names gets every template of the inventory."""
    write(tmp_path, i="vars: {a: '{{ b }}', l: [1, {x: '{{ c }}'}]}\nhosts: {h: {address: '{{ d }}'}}\n")
    notes = []

    load_inventory("i.yaml", Problems(), base=tmp_path, notes=notes)

    assert [note.template.source for note in notes] == ["{{ b }}", "{{ c }}", "{{ d }}"]


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("-oProxyCommand=x", "starts with a hyphen"),
        ("a b", "white space"),
        ("a/b", "slash"),
        ("a..b", '".."'),
        ("x" * 254, "more than 253"),
        ("user@host", "user in it"),
        ("host:22", "port in it"),
        ("[::1", "IPv6"),
        ("::1", "IPv6"),
        ("m\u00fcnchen", "beyond ASCII"),
        ("web.", "ends with a dot"),
        (".web", "starts with a dot"),
        ("Web1", "upper case"),
        ("a,b", "comma"),
        ("a[1-2],b", "comma"),
        ("web*", '"*"'),
        ("", "is empty"),
        ("all", "word of the language"),
        ("none", "word of the language"),
        ("controller", "always there"),
        ("Web[1-2]", "upper case"),
    ],
)
def test_a_bad_host_name_is_refused_with_its_reason(tmp_path, name, words):
    """Names that would be options, paths, users, ports or two hosts at once are errors at their key."""
    [(code, place, message, _)] = complaints(tmp_path, f'hosts:\n  "{name}": {{}}\n')

    assert (code, place) == ("E502", "2:3")
    assert words in message


def test_a_range_in_a_name_is_checked_too(tmp_path):
    """A malformed range is told at its place in the name."""
    found = complaints(tmp_path, "hosts:\n  web[3-1]: {}\n  'db[01:03]': {}\n  n[1-9999999]: {}\n  ok: {}\n")

    assert [(code, place) for code, place, *_ in found] == [("E505", "2:7"), ("E505", "3:9"), ("E505", "4:3")]
    assert found[1][3] == 'use "-" between the numbers'


@pytest.mark.parametrize("port", ["0", "65536", "-1", '"22"', "22.0", "true", "[22]", "~"])
def test_a_bad_port_is_refused(tmp_path, port):
    """A port is a number from 1 to 65535, not in quotes."""
    [(code, place, message, hint)] = complaints(tmp_path, f"hosts:\n  h:\n    ssh: {{port: {port}}}\n")

    assert (code, place) == ("E503", "3:17")
    assert "from 1 to 65535" in message
    assert hint == ("remove the quotes" if '"' in port else "")


@pytest.mark.parametrize("port", ["1", "65535", '"{{ port }}"'])
def test_a_good_port_is_taken(tmp_path, port):
    """Both ends of the range are ports, and a template may become one."""
    assert complaints(tmp_path, f"hosts: {{h: {{ssh: {{port: {port}}}}}}}") == []


@pytest.mark.parametrize(
    ("address", "words"),
    [
        ("root@10.0.0.1", "user in it"),
        ("10.0.0.1:22", "port in it"),
        ("-x", "hyphen"),
        ("a b", "white space"),
        ("'[::1]'", "brackets"),
    ],
)
def test_a_bad_address_is_refused(tmp_path, address, words):
    """An address is a name or an IP address and nothing more."""
    [(code, _, message, _)] = complaints(tmp_path, f"hosts: {{h: {{address: {address}}}}}")

    assert code == "E502"
    assert words in message


@pytest.mark.parametrize("address", ["10.0.0.1", "fe80::1%eth0", "Web1.example.net.", '"{{ host.name }}.lab"'])
def test_a_good_address_is_taken(tmp_path, address):
    """Names in DNS, both kinds of IP addresses, and templates."""
    assert complaints(tmp_path, f"hosts: {{h: {{address: '{address}'}}}}".replace("'\"", '"').replace("\"'", '"')) == []


@pytest.mark.parametrize(
    ("text", "code", "place", "message", "hint"),
    [
        ("host: {}", "E401", "1:1", 'unknown key "host"', 'did you mean "hosts"?'),
        ("hosts: {h: {adress: x}}", "E401", "1:13", 'unknown key "adress"', 'did you mean "address"?'),
        ("hosts: {h: {ssh: {prot: 1}}}", "E401", "1:19", 'unknown key "prot"', 'did you mean "port"?'),
        ("hosts: {h: {connection: local, ssh: {user: x}}}", "E401", "1:38", 'keys under "ssh" have no effect', "leave"),
        ("vars: {host: x}", "E412", "1:8", '"host" is always there', "another name"),
        ("hosts: {h: }\ngroups: {h: {}}", "E501", "2:10", '"h", a host and a group, is given twice; first at', "keep"),
        ("hosts: {h: }\ngroups: {g: {hosts: [h, h]}}", "E501", "2:25", '"h" in hosts of group g is given', "keep"),
        ("groups: {'a b': {}}", "E502", "1:10", 'group name "a b" has white space', ""),
        ("groups: {all: {}}", "E502", "1:10", 'group name "all" is a word', ""),
        ("hosts: {db1: }\ngroups: {g: {hosts: [bd1]}}", "E405", "2:22", 'called "bd1"', 'did you mean "db1"?'),
        ("hosts: {d: }\ngroups: {g: {hosts: ['d:x*']}}", "E405", "2:25", 'no host matches "x*"', ""),
        ("hosts: {d: }\ngroups: {g: {hosts: ['d[1']}}", "E505", "2:24", "is not closed", ""),
        ("groups: {g: {hosts: [controller]}}", "E405", "1:22", '"controller" is in no group', "hosts: controller"),
        ("groups: {web: {}, g: {groups: [wbe]}}", "E504", "1:32", 'no group is called "wbe"', 'did you mean "web"?'),
        ("hosts: {h: }\ngroups: {g: {groups: [h]}}", "E504", "2:23", 'no group is called "h"', "it is a host"),
        ("groups: {g: {groups: [g]}}", "E504", "1:23", "within itself: g > g", ""),
        ("groups: {a: {groups: [b]}, b: {hosts: [a]}}", "E504", "1:40", "within itself: a > b > a", ""),
        ("become: {user: '{{ x }}'}", "E408", "1:16", "can't be a template", ""),
        ("ssh: {jump: gate}\nhosts: {gaet: {ssh: {jump: none}}, h: }", "E405", "1:13", 'called "gate"', '"gaet"?'),
        ("ssh: {jump: h}\nhosts: {h: }", "E504", "2:9", 'host "h" would be reached through itself', "jump: none"),
    ],
)  # fmt: skip
def test_what_means_nothing_is_refused_at_its_place(tmp_path, text, code, place, message, hint):
    """Each fault is one error with its position and what to write instead."""
    [found] = complaints(tmp_path, text)

    assert found[:2] == (code, place)
    assert message in found[2]
    assert hint in found[3]


def test_circles_of_jumps_are_found(tmp_path):
    """Two hosts that are reached through each other are both told."""
    found = complaints(tmp_path, "hosts: {a: {ssh: {jump: b}}, b: {ssh: {jump: [c, a]}}, c: }")

    assert [(code, place) for code, place, *_ in found] == [("E504", "1:9"), ("E504", "1:30")]


def test_a_chain_of_jumps_is_fine(tmp_path):
    """A host may be reached through several, and what a template decides is left for later."""
    inventory = load(
        tmp_path, "hosts: {a: , b: {ssh: {jump: a}}, c: {ssh: {jump: [a, b]}}, d: {ssh: {jump: '{{ x }}'}}}"
    )

    assert inventory.hosts["c"].options["jump"] == ["a", "b"]


def test_groups_may_not_be_nested_without_end(tmp_path):
    """More than 64 groups within each other are refused, 64 are not."""
    chain = "".join(f"  g{number}: {{groups: [g{number + 1}]}}\n" for number in range(80))

    found = complaints(tmp_path, f"groups:\n{chain}  g80: {{}}\n")

    assert [code for code, *_ in found] == ["E504"]
    assert "more than 64 deep" in found[0][2]


def test_a_key_in_two_files_is_told_with_both_places(tmp_path):
    """Every kind of key: of hosts, of groups, of variables, and of files that speak for all."""
    write(
        tmp_path,
        a="hosts: {h: {address: a, vars: {x: 1}, ssh: {port: 1}}}\ngroups: {g: {hosts: [h], vars: {y: 1}}}\n",
        b="hosts: {h: {address: b, vars: {x: 2}, ssh: {port: 2}}}\ngroups: {g: {hosts: [h], vars: {y: 2}}}\n",
        c="vars: {z: 1}\nssh: {connecting: 3}\n",
        d="vars: {z: 2}\nssh: {connecting: 4}\n",
    )

    found = complaints(tmp_path, "{}", [f"{name}.yaml" for name in "abcd"])

    assert {code for code, *_ in found} == {"E501"}
    assert {message.partition(" is given")[0] for _, _, message, _ in found} == {
        '"address" of host h',
        '"x" of host h',
        '"port" of host h',
        '"hosts" of group g',
        '"y" of group g',
        '"z" of inventory',
        '"connecting" of the inventory',
    }
    assert any(f"first at {tmp_path}/a.yaml:1:13" in message for _, _, message, _ in found)


@pytest.mark.parametrize(
    ("name", "text", "code", "words"),
    [
        ("hosts.ini", "# old\n[web]\nweb1 ansible_host=10.0.0.1\n", "E507", "looks like INI"),
        ("hosts.toml", "[web]\n", "E507", "looks like TOML"),
        ("hosts.json", '{"hosts": {"a": {}},}', "E507", "looks like JSON"),
        ("hosts.yaml", '{"hosts": {\n// old\n"a": {}}}', "E507", "looks like JSON"),
        ("hosts.py", "#!/usr/bin/env python3\nprint('{}')\n", "E508", "never run"),
        ("missing.yaml", None, "E116", "no such inventory file"),
    ],
)
def test_what_is_no_inventory_is_told_apart(tmp_path, name, text, code, words):
    """Files of other tools, programs and missing files are errors that say what they are."""
    if text is not None:
        (tmp_path / name).write_text(text)

    [(found, _, message, _)] = complaints(tmp_path, sources=name)

    assert found == code
    assert words in message


def test_an_executable_file_is_not_run(tmp_path):
    """A file with the executable bit and no suffix of data is taken for a program; a YAML file is not."""
    for name in ("hosts", "hosts.yaml"):
        (tmp_path / name).write_text("hosts: {h: }\n")
        (tmp_path / name).chmod(0o755)

    assert [code for code, *_ in complaints(tmp_path, sources="hosts")] == ["E508"]
    assert complaints(tmp_path, sources="hosts.yaml") == []


def test_a_folder_without_inventories_is_an_error(tmp_path):
    """An empty folder is not an empty fleet."""
    (tmp_path / "empty").mkdir()

    [(code, _, message, _)] = complaints(tmp_path, sources="empty")

    assert (code, "no inventory file in the folder" in message) == ("E116", True)


def test_all_faults_of_all_files_are_told_together(tmp_path):
    """A fault in one place does not hide those in others, nor make new ones."""
    write(tmp_path, a="hosts: {h: {adress: x}, 'b c': }\n", b="- no mapping\n")

    found = complaints(tmp_path, "groups: {g: {hosts: [h, hh]}}", ["a.yaml", "b.yaml", "i.yaml"])

    assert [code for code, *_ in found] == ["E401", "E502", "E311", "E405"]


def test_a_fault_that_many_hosts_share_is_told_of_each(tmp_path):
    """Hosts of the same form are checked together only while they are well-formed."""
    found = complaints(
        tmp_path, "hosts:\n  a: {ssh: {prt: 1}}\n  b: {ssh: {prt: 1}}\n  c: {vars: {1a: x}}\n  d: {vars: {1a: y}}\n"
    )

    assert [place.partition(":")[0] for _, place, *_ in found] == ["2", "3", "4", "5"]


def test_ten_thousand_hosts_are_put_together_once(tmp_path):
    """A large range costs one set of layers for each set of groups, whatever its size."""
    inventory = load(
        tmp_path, "hosts: {'n[1-10000]': {vars: {a: 1}}}\ngroups: {low: {hosts: ['n[1-5000]'], vars: {b: 1}}}\n"
    )

    assert len(inventory.hosts) == 10_000
    assert len({id(host.vars) for host in inventory.hosts.values()}) == 2
