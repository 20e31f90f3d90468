"""Which values reach the text that a template gives, and how: what a shell would then read (see ``trust``)."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from jinja2 import nodes

from runner.templating.quotes import Places
from runner.templating.trust import CLEAN, RAW, Level, Trust, either, filtered, joined, list_trust

Names = Mapping[str, Trust]

_GIVES_ITEMS = frozenset({"values", "items"})


class Leak(NamedTuple):
    """A variable that a shell would read. ``is_quoted`` where its quoting is in vain, where it stands."""

    name: str
    is_quoted: bool


def leaks(tree: nodes.Template, names: Names) -> tuple[Leak, ...]:
    """What of these names goes raw into shell text, or quoted where that is in vain; each once, in order."""
    return tuple(dict.fromkeys(_walked(tree, names).found))


def value(tree: nodes.Template, lone: nodes.Expr | None, names: Names) -> Trust:
    """What a template gives as the value of a variable. ``lone`` is its expression, where it is nothing else."""
    if lone is not None:
        return _Walk(dict(names)).value(lone)
    walk = _walked(tree, names)
    return RAW if walk.found else Trust(walk.level)


def _walked(tree: nodes.Template, names: Names) -> "_Walk":
    """A macro may read what is set behind it: so the template is walked through twice."""
    first = _Walk(dict(names))
    first.body(tree.body)
    second = _Walk(first.names)
    second.body(tree.body)
    return second


class _Walk:
    """One way through a template. ``level`` is the worst that it puts into its text."""

    def __init__(self, names: dict[str, Trust], *, is_aside: bool = False) -> None:
        self.names = names
        self.level = Level.CLEAN
        self.found: list[Leak] = []
        self._places = Places()
        self._is_aside = is_aside

    def body(self, parts: list[nodes.Node]) -> None:
        """Statements and text, in order."""
        for part in parts:
            self._statement(part)

    def _statement(self, node: nodes.Node) -> None:
        match node:
            case nodes.Output():
                for part in node.nodes:
                    self._put(part)
            case nodes.Assign():
                self._assign(node.target, self.value(node.node))
            case nodes.AssignBlock():
                inside = self._aside(node.body)
                self._assign(node.target, self._filtered(node.filter, inside) if node.filter else inside)
            case nodes.FilterBlock():
                self._take(self._filtered(node.filter, self._aside(node.body)), node)
            case nodes.CallBlock():
                self._take(either(self._aside(node.body), self.value(node.call)), node)
            case nodes.For():
                self._loop(node)
            case _:
                self._block(node)

    def _block(self, node: nodes.Node) -> None:
        match node:
            case nodes.If():
                self.body([*node.body, *node.elif_, *node.else_])
            case nodes.Macro():
                self._names(node.args[len(node.args) - len(node.defaults) :], node.defaults)
                self.body(node.body)
            case nodes.With():
                self._names(node.targets, node.values)
                self.body(node.body)
            case _:
                self.body(list(node.iter_child_nodes(only=("body", "nodes"))))

    def _names(self, targets: Sequence[nodes.Node], given: Sequence[nodes.Node]) -> None:
        for target, one in zip(targets, given, strict=True):
            self._assign(target, self.value(one))

    def _loop(self, node: nodes.For) -> None:
        item = self.value(node.iter).item()
        self._assign(node.target, item)
        self.names["loop"] = Trust(members={"previtem": item, "nextitem": item}, each=CLEAN)
        self.body([*node.body, *node.else_])

    def _assign(self, target: nodes.Node, given: Trust) -> None:
        """A name may keep its value from outside, where it was given another inside a loop."""
        if isinstance(target, nodes.Name):
            self.names[target.name] = either(given, self.names.get(target.name, CLEAN))
        for inner in target.find_all(nodes.Name):
            self.names[inner.name] = either(given.item(), self.names.get(inner.name, CLEAN))

    def _aside(self, body: list[nodes.Node]) -> Trust:
        """What a part of the template gives that does not go into its text at once."""
        walk = _Walk(self.names, is_aside=True)
        walk.body(body)
        return RAW if walk.found else Trust(walk.level)

    def _put(self, part: nodes.Node) -> None:
        if isinstance(part, nodes.TemplateData):
            self._places.read(part.data)
        elif isinstance(part, nodes.Expr):
            self._take(self.value(part), part)

    def _take(self, given: Trust, node: nodes.Node) -> None:
        level = given.level
        is_in_vain = level is Level.QUOTED and not (self._is_aside or self._places.takes_words)
        self.level = max(self.level, level)
        self._places.value()
        if level is Level.RAW or is_in_vain:
            self.found += [Leak(name, level is not Level.RAW) for name in self._guilty(node)]

    def _guilty(self, node: nodes.Node) -> list[str]:
        every = [node] if isinstance(node, nodes.Name) else list(node.find_all(nodes.Name))
        used = [one.name for one in every if self.names.get(one.name, CLEAN).worst()]
        return used or [one.name for one in every][:1]

    def value(self, node: nodes.Node) -> Trust:
        """What an expression gives."""
        match node:
            case nodes.Name(name=name):
                return self.names.get(name, CLEAN)
            case nodes.Getattr() | nodes.Getitem():
                return self._part(node)
            case nodes.Filter():
                return self._filtered(node, self.value(node.node) if node.node else CLEAN)
            case nodes.Call():
                return self._called(node)
            case nodes.Compare() | nodes.Not() | nodes.Test():
                return CLEAN
        return self._made(node)

    def _part(self, node: nodes.Getattr | nodes.Getitem) -> Trust:
        owner = self.value(node.node)
        match node:
            case nodes.Getattr(attr=member) | nodes.Getitem(arg=nodes.Const(value=str() as member)):
                return owner.member(member)
            case nodes.Getitem(arg=nodes.Slice()) if owner.each is not None:
                return owner
        return owner.item()

    def _made(self, node: nodes.Node) -> Trust:
        """What is made of several values."""
        match node:
            case nodes.CondExpr():
                return either(self.value(node.expr1), self.value(node.expr2) if node.expr2 else CLEAN)
            case nodes.And() | nodes.Or():
                return either(self.value(node.left), self.value(node.right))
            case nodes.Concat(nodes=parts):
                return joined([self.value(part) for part in parts], parts)
            case nodes.Add():
                return joined([self.value(node.left), self.value(node.right)], [node.left, node.right])
            case nodes.List() | nodes.Tuple():
                return list_trust(self.value(part) for part in node.items)
        return RAW if any(self.value(part).worst() for part in node.iter_child_nodes()) else CLEAN

    def _filtered(self, node: nodes.Filter, given: Trust) -> Trust:
        if isinstance(node.node, nodes.Filter) and node.node is not None and node.node.node is None:
            given = self._filtered(node.node, given)  # of a block: {% filter a | b %}
        arguments = [self.value(part) for part in node.args] + [self.value(part.value) for part in node.kwargs]
        return filtered(node, given, arguments)

    def _called(self, node: nodes.Call) -> Trust:
        arguments = [self.value(part) for part in node.args] + [self.value(part.value) for part in node.kwargs]
        worst = either(*arguments)
        match node.node:
            case nodes.Getattr(node=owner, attr=method):
                given = self.value(owner)
                if method == "get" and node.args and isinstance(node.args[0], nodes.Const):
                    return either(given.member(str(node.args[0].value)), worst)
                if method == "keys" and given.each is not None:
                    return CLEAN
                if method in _GIVES_ITEMS:
                    each = given.item() if method == "values" else Trust(given.item().worst(), each=given.item())
                    return Trust(given.worst(), each=each)
                return RAW if either(given, worst).worst() else CLEAN
        return RAW if either(self.value(node.node), worst).worst() else CLEAN
