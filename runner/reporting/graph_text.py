"""A graph in the words of Mermaid, which web pages draw, and of Graphviz' ``dot``. Pure.

Names come from people, so what means something in a label of either language is spelt out.
"""

from collections.abc import Iterator

from runner.reporting.graph import Edge, Graph, Vertex

MERMAID = str.maketrans({character: f"#{ord(character)};" for character in '#"`<>&\\'})
"""Characters that mean something in a quoted label, by their numbers."""

DOT = str.maketrans({'"': '\\"', "\\": "\\\\", "&": "&amp;"})
"""``dot`` reads escapes and HTML entities in a quoted label."""

SHAPES = {"play": "box", "wave": "folder", "step": "note"}


def mermaid(graph: Graph) -> Iterator[str]:
    """The lines of a Mermaid flowchart."""
    yield "flowchart TD"
    for number, part in enumerate(graph.parts, 1):
        yield f'  subgraph play{number}["{part.label.translate(MERMAID)}"]'
        yield from (f"    {_mermaid_node(vertex)}" for vertex in part.vertices)
        yield "  end"
    for edge in graph.edges:
        yield f"  {edge.source} {'-. needs .->' if edge.kind == 'needs' else '-->'} {edge.target}"


def dot(graph: Graph) -> Iterator[str]:
    """The lines of a Graphviz file."""
    yield "digraph plan {"
    yield f'  label="{graph.title.translate(DOT)}"'
    for number, part in enumerate(graph.parts, 1):
        yield f"  subgraph cluster_{number} {{"
        yield f'    label="{part.label.translate(DOT)}"'
        yield from (f"    {_dot_node(vertex)}" for vertex in part.vertices)
        yield "  }"
    yield from (f"  {_dot_edge(edge)}" for edge in graph.edges)
    yield "}"


def _mermaid_node(vertex: Vertex) -> str:
    return f'{vertex.id}["{"<br/>".join(line.translate(MERMAID) for line in vertex.label)}"]'


def _dot_node(vertex: Vertex) -> str:
    label = "\\n".join(line.translate(DOT) for line in vertex.label)
    return f'{vertex.id} [shape={SHAPES[vertex.kind]}, label="{label}"]'


def _dot_edge(edge: Edge) -> str:
    style = ' [style=dashed, label="needs"]' if edge.kind == "needs" else ""
    return f"{edge.source} -> {edge.target}{style}"
