"""Look into a template without rendering it: its syntax, the variables it needs, and where they stand in it."""

import re
from collections.abc import Collection, Iterable, Iterator
from difflib import get_close_matches
from typing import NamedTuple

from jinja2 import Environment, TemplateSyntaxError, meta, nodes
from jinja2.parser import Parser

_NAMED = re.compile(r"'([^']+)'")
_LOADERS = (nodes.Extends, nodes.FromImport, nodes.Import, nodes.Include)
_AFTER_NO_VARIABLE = frozenset({".", "|", "is"})


class Fault(NamedTuple):
    """Something wrong at ``offset`` (in characters, from 0) of a template's source, over ``length`` characters."""

    message: str
    offset: int
    length: int = 1
    hint: str = ""


def parse(environment: Environment, source: str, *, bare: bool) -> nodes.Template:
    """The syntax tree. ``bare`` source is one expression. Raises TemplateSyntaxError."""
    if not bare:
        return environment.parse(source)
    parser = Parser(environment, source, state="variable")
    expression = parser.parse_expression()
    if not parser.stream.eos:
        raise TemplateSyntaxError(f"unexpected '{parser.stream.current.value}'", parser.stream.current.lineno)
    tree = nodes.Template([nodes.Output([expression], lineno=1)], lineno=1)
    tree.set_environment(environment)
    return tree


def lone_expression(tree: nodes.Template) -> nodes.Expr | None:
    """The expression of a template that is nothing but ``{{ expression }}``."""
    match tree.body:
        case [nodes.Output(nodes=[nodes.TemplateData()])]:
            return None
        case [nodes.Output(nodes=[expression])]:
            return expression
    return None


def _asked_about(tree: nodes.Template) -> Iterator[nodes.Expr]:
    for node in tree.find_all(nodes.Filter):
        if node.name in {"default", "d"} and node.node is not None:
            yield node.node
    for test in tree.find_all(nodes.Test):
        if test.name in {"defined", "undefined"}:
            yield test.node


def members(tree: nodes.Template, name: str) -> frozenset[str]:
    """The ``x`` of each ``name.x`` and ``name['x']`` that must be there."""
    asked = [id(node) for node in _asked_about(tree)]
    found = [node for node in tree.find_all((nodes.Getattr, nodes.Getitem)) if id(node) not in asked]
    return frozenset(member for node in found if (member := _member(node, name)) is not None)


def _member(node: nodes.Node, name: str) -> str | None:
    match node:
        case nodes.Getattr(node=nodes.Name(name=root), attr=member) if root == name:
            return str(member)
        case nodes.Getitem(node=nodes.Name(name=root), arg=nodes.Const(value=str() as member)) if root == name:
            return member
    return None


def parts(tree: nodes.Template, name: str) -> frozenset[str] | None:
    """The ``x`` of each ``name.x`` and ``name['x']``; None where the name is used in another way, or as a whole."""
    found = [member for node in tree.find_all((nodes.Getattr, nodes.Getitem)) if (member := _member(node, name))]
    mentions = sum(node.name == name for node in tree.find_all(nodes.Name))
    return frozenset(found) if len(found) == mentions else None


def results_of_others(tree: nodes.Template) -> frozenset[str]:
    """The ``x`` of each ``….results.x`` that is not of ``host``: what other hosts have registered."""
    found = {_last(node) for node in tree.find_all((nodes.Getattr, nodes.Getitem)) if _is_of_another(node)}
    for one in tree.find_all(nodes.Keyword):  # map(attribute='results.x')
        if isinstance(one.value, nodes.Const) and str(one.value.value).startswith("results."):
            found.add(str(one.value.value).split(".")[1])
    return frozenset(found - {""})


def _is_of_another(node: nodes.Node) -> bool:
    """Whether it is ``x.results.y``, where x is not ``host``."""
    match node:
        case nodes.Getattr(node=nodes.Getattr() | nodes.Getitem() as results):
            pass
        case nodes.Getitem(node=nodes.Getattr() | nodes.Getitem() as results):
            pass
        case _:
            return False
    whose = results.node
    return _last(results) == "results" and not (isinstance(whose, nodes.Name) and whose.name == "host")


def _last(node: nodes.Node) -> str:
    """The ``x`` of ``….x`` or ``…['x']``, else nothing."""
    match node:
        case nodes.Getattr(attr=member):
            return str(member)
        case nodes.Getitem(arg=nodes.Const(value=str() as member)):
            return member
    return ""


def certain(tree: nodes.Template) -> frozenset[str]:
    """The variables that are read whatever their values are: not those in a branch that may not be taken."""
    return frozenset(_certain(tree)) & frozenset(meta.find_undeclared_variables(tree))


def _certain(node: nodes.Node) -> Iterator[str]:
    match node:
        case nodes.Name(name=name):
            yield name
            return
        case nodes.CondExpr() | nodes.If():
            children: list[nodes.Node] = [node.test]
        case nodes.And() | nodes.Or():
            children = [node.left]
        case nodes.For():
            children = [node.iter]
        case nodes.Filter(name="default" | "d") | nodes.Test(name="defined" | "undefined"):
            children = []
        case _:
            children = list(node.iter_child_nodes())
    for child in children:
        yield from _certain(child)


class Uses(NamedTuple):
    """What a template takes from its variables.

    ``paths`` lead from a variable as far as its members are written out, ``("hosts", "web1", "address")``; None stands
    for a member that an expression names. ``names_members`` are words that may name members in another way.
    """

    paths: tuple[tuple[str | int | None, ...], ...]
    names_members: frozenset[str]


def uses(tree: nodes.Template) -> Uses:
    """What a template takes from its variables, but for those it only asks ``is defined`` about."""
    asked = {id(test.node) for test in tree.find_all(nodes.Test) if test.name in {"defined", "undefined"}}
    paths = tuple(dict.fromkeys(_paths(tree, asked)))
    words = (str(const.value) for const in tree.find_all(nodes.Const) if isinstance(const.value, str))
    members = (part for path in paths for part in path[1:] if isinstance(part, str))
    return Uses(paths, frozenset([*members, *(word.partition(".")[0] for word in words)]))


def _paths(node: nodes.Node, asked: Collection[int]) -> Iterator[tuple[str | int | None, ...]]:
    path: list[str | int | None] = []
    root = node
    while isinstance(root, nodes.Getattr | nodes.Getitem):
        if isinstance(root, nodes.Getattr):
            path.insert(0, root.attr)
        else:
            path.insert(0, root.arg.value if isinstance(root.arg, nodes.Const) else None)
            yield from _paths(root.arg, asked)
        root = root.node
    if isinstance(root, nodes.Name):
        if root.ctx == "load" and id(root) not in asked:
            yield (root.name, *path)
    else:
        for child in root.iter_child_nodes():
            yield from _paths(child, asked)


class Findings(NamedTuple):
    """All about one template: what is wrong with it, its syntax tree, and the variables it reads, or must have."""

    faults: tuple[Fault, ...]
    tree: nodes.Template
    mentioned: frozenset[str] = frozenset()
    needed: frozenset[str] = frozenset()


def look(environment: Environment, source: str, *, bare: bool) -> Findings:
    """What jinja2 says against the syntax, and unknown filters and tests; else the names."""
    try:
        tree = parse(environment, source, bare=bare)
    except TemplateSyntaxError as error:
        return broken(environment, _fault(source, error.message or "wrong syntax", error.lineno))
    wrong = [*_unknown(environment, source, tree), *_loading(source, tree)]
    if wrong:
        return broken(environment, *wrong)
    try:
        names = frozenset(meta.find_undeclared_variables(tree))
    except TemplateSyntaxError as error:
        return broken(environment, _fault(source, error.message or "wrong syntax", error.lineno))
    asked = {node.name for node in _asked_about(tree) if isinstance(node, nodes.Name)}
    return Findings((), tree, names, names - asked)


def broken(environment: Environment, *faults: Fault) -> Findings:
    """What is said of a template that can't be looked into any further."""
    return Findings(faults, environment.parse(""))


def _unknown(environment: Environment, source: str, tree: nodes.Template) -> Iterator[Fault]:
    for filtered in tree.find_all(nodes.Filter):
        if filtered.name not in environment.filters:
            fault = _fault(source, f"there is no filter '{filtered.name}'", filtered.lineno)
            yield fault._replace(hint=fault.hint or _nearest(filtered.name, environment.filters))
    for test in tree.find_all(nodes.Test):
        if test.name not in environment.tests:
            fault = _fault(source, f"there is no test '{test.name}'", test.lineno)
            yield fault._replace(hint=fault.hint or _nearest(test.name, environment.tests))


def _nearest(name: str, known: Iterable[str]) -> str:
    near = get_close_matches(name, list(known), 1)
    return f'did you mean "{near[0]}"?' if near else ""


def _loading(source: str, tree: nodes.Template) -> Iterator[Fault]:
    for node in tree.find_all(_LOADERS):
        word = type(node).__name__.replace("FromImport", "from").lower()
        yield _fault(source, f"a template may not load another one with '{word}'", node.lineno)


def _fault(source: str, message: str, lineno: int) -> Fault:
    """A complaint at the thing it names, or else at the first text of its line."""
    if message == "Missing end of comment tag":
        hint = "in shell text write ${{ '{#' }}NAME}, or {% raw %}…{% endraw %} round it"
        return Fault('"{#" begins a comment that has no end', source.find("{#", source.rfind("#}") + 1), 2, hint)
    lines = source.split("\n")
    line = lines[min(lineno, len(lines)) - 1]
    start = sum(len(earlier) + 1 for earlier in lines[: min(lineno, len(lines)) - 1])
    named = _NAMED.search(message)
    words = message.replace("'", '"').rstrip(".")
    hint = "a Go template? write {% raw %}…{% endraw %} round it" if re.search(r"\{\{-?\s*\.", source) else ""
    if named and named[1] in line:
        return Fault(words, start + line.rindex(named[1]), len(named[1]), hint)
    return Fault(words, start + len(line) - len(line.lstrip()), max(len(line.strip()), 1), hint)


def offset_of(environment: Environment, source: str, name: str, *, bare: bool) -> int:
    """Where a variable is first read in the source, or 0."""
    state = "variable" if bare else None
    position, before = 0, ""
    for _, kind, value in environment.lexer.tokeniter(source, None, None, state):
        position = max(source.find(value, position), position)
        if kind == "name" and value == name and before not in _AFTER_NO_VARIABLE:
            return position
        position += len(value)
        before = before if kind in {"whitespace", "data"} else value
    return 0
