"""A plan as a graph."""

import re
import shutil
import subprocess

from plan_builder import HERE, inventory, play, playbook, rolling, step
from sshd import need

from runner.model.playbook import Block, Frame
from runner.planning.compile import compile_plan
from runner.reporting.graph import MOST, graph
from runner.reporting.graph_text import dot, mermaid

DOT = shutil.which("dot")

HOSTILE = 'a "b" <c> &amp; \\N #35; `d` ]} --> %% \x1b[2J\n\u202e end'


def planned(*plays, fleet="web[1-9]"):
    return compile_plan(playbook(*plays), inventory(fleet))


def two_plays():
    """Two plays, one after the other, with a step that waits for all hosts of its wave."""
    inside = Block("b", None, (step(id="b1"),), HERE, rescue=(step(id="r", section="rescue"),), needs=("a",))
    include = Block("in", None, (step(id="in/x", frame="in"),), HERE, opens="in")
    first = play("web[1-5]", step(id="a"), inside, include, strategy=rolling(2), frames={"in": Frame("in", "in.yaml")})
    return planned(first, play("web[6-9]", id="db", needs=("web",)))


def edges(lines):
    """Every edge of a Mermaid or dot text: from, to, and whether it says that one needs the other."""
    arrow = re.compile(r"\s*(\w+) (?:-->|->|-\. needs \.->) (\w+)(.*)")
    found = [arrow.fullmatch(line) for line in lines]
    return sorted((match[1], match[2], "needs" in match[0]) for match in found if match)


def checked(lines):
    """The ids and labels of a Mermaid flowchart, every line of it being one that the language has."""
    text = r'(?:[^"<>`#]|<br/>|#\d+;)*'
    nodes, open_parts = {}, []
    lines = list(lines)
    assert lines[0] == "flowchart TD"
    for line in lines[1:]:
        if part := re.fullmatch(rf'  subgraph (\w+)\["({text})"\]', line):
            open_parts.append(part[1])
        elif line == "  end":
            open_parts.pop()
        elif node := re.fullmatch(rf'    (\w+)\["({text})"\]', line):
            assert node[1] not in nodes
            assert node[1] != "end"
            nodes[node[1]] = node[2]
        else:
            edge = re.fullmatch(r"  (\w+) (?:-->|-\. needs \.->) (\w+)", line)
            assert edge, line
            assert {edge[1], edge[2]} <= set(nodes)
    assert not open_parts
    return nodes


def test_plays_waves_and_steps_with_who_waits_for_whom():
    """Waves with folded hosts, steps and blocks in order; a rescue is no part of a host's way."""
    found = graph(two_plays())

    labels = {vertex.id: " / ".join(vertex.label) for part in found.parts for vertex in part.vertices}
    assert labels == {
        "p1": "web / 5 hosts",
        "p1w1": "wave 1: web[1-2]",
        "p1w2": "wave 2: web[3-4]",
        "p1w3": "wave 3: web5",
        "p1s1": "a [command]",
        "p1s2": "b [block]",
        "p1s3": "b1 [command]",
        "p1s4": "in [include in.yaml]",
        "p1s5": "in/x [command]",
        "p2": "db / 4 hosts",
        "p2w1": "wave 1: web[6-9]",
        "p2s1": "command [command]",
    }
    assert [(one.source, one.target) for one in found.edges if one.kind == "needs"] == [("p1s1", "p1s2"), ("p1", "p2")]
    assert ("p1w2", "p1w3") in [(one.source, one.target) for one in found.edges]


def test_both_languages_hold_the_same_edges():
    """Whoever draws it, the picture is the same."""
    found = graph(two_plays())

    wanted = sorted((one.source, one.target, one.kind == "needs") for one in found.edges)
    assert edges(mermaid(found)) == wanted
    assert edges(dot(found)) == wanted


def test_graphviz_and_mermaid_take_it():
    """Graphviz draws it, and every line is one of Mermaid's language."""
    need(DOT, "graphviz is not installed")
    found = graph(two_plays())

    checked(mermaid(found))
    assert "wave 1: web[1&#45;2]" in drawn(found)


def drawn(found):
    """The picture that Graphviz makes, as SVG."""
    text = "\n".join(dot(found))
    done = subprocess.run([DOT, "-Tsvg"], input=text, capture_output=True, text=True, check=False, timeout=60)
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


def test_names_are_shown_as_they_are():
    """Whatever characters they have: none ends a label, opens a tag or reaches a terminal."""
    need(DOT, "graphviz is not installed")
    found = graph(planned(play("web1", step(name=HOSTILE), name=HOSTILE)))

    labels = checked(mermaid(found))
    assert "a #34;b#34; #60;c#62; #38;amp; #92;N #35;35; #96;d#96; ]} --#62; %% #92;e[2J" in labels["p1s1"]
    assert "\x1b" not in "".join(mermaid(found))
    assert "a &quot;b&quot; &lt;c&gt; &amp;amp; \\N #35; `d` ]} &#45;&#45;&gt; %% \\e[2J" in drawn(found)


def test_a_large_plan_is_collapsed():
    """First waves from the third on; where that is not enough, steps too. What plays need stays."""
    need(DOT, "graphviz is not installed")
    waves = graph(planned(play("all", step(id="a"), step(id="b"), strategy=rolling(5)), fleet="web[1-400]"))
    steps = [step(id=f"s{number}") for number in range(18)]
    plays = [play("all", *steps, id=f"p{n}", strategy=rolling(1), needs=(f"p{n - 1}",) if n else ()) for n in range(9)]
    both = graph(planned(*plays))

    assert [vertex.label[0] for vertex in waves.parts[0].vertices] == [
        "web",
        "wave 1: web[1-5]",
        "wave 2: web[6-10]",
        "waves 3-80: 390 hosts",
        "a [command]",
        "b [command]",
    ]
    assert [vertex.label[0] for vertex in both.parts[0].vertices][-2:] == ["waves 3-9: 7 hosts", "18 steps"]
    assert sum(len(part.vertices) for part in both.parts) < MOST
    assert len(both.needs) == 8
    drawn(both)


def test_ten_thousand_hosts_make_a_small_graph():
    """Names of very many hosts are counted, not listed."""
    found = graph(planned(play("all", strategy=rolling(1, "rest")), fleet="web[1-10000]"))

    assert [vertex.label[0] for vertex in found.parts[0].vertices][1:3] == ["wave 1: web1", "wave 2: 9999 hosts"]
