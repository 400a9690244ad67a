"""The breaks of a module, one at a time: what a tired editor could have written instead."""

import ast
import copy
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace

WIDTH = 110  # a break is shown with as much around it as fits


@dataclass(frozen=True)
class Mutant:
    """A module with one change: known by where it is and by the text before and after, never by its line."""

    module: str
    function: str
    before: str
    after: str
    nth: int  # of those equal in all of the above
    line: int
    source: str

    @property
    def key(self) -> tuple[str, str, str, str, int]:
        """What it is known by."""
        return self.module, self.function, self.before, self.after, self.nth


BOUNDARIES: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
}
NEGATIONS: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Lt: ast.GtE,
    ast.LtE: ast.Gt,
    ast.Gt: ast.LtE,
    ast.GtE: ast.Lt,
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
}
SUMS: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.FloorDiv,
    ast.FloorDiv: ast.Mult,
    ast.Mod: ast.FloorDiv,
}
OPPOSITES = {"min": "max", "max": "min", "any": "all", "all": "any", "issubset": "issuperset"}
OPPOSITES |= {"issuperset": "issubset", "intersection": "union", "removeprefix": "removesuffix"}
ORDERED = {"sorted", "reversed"}
KINDS = {"bool", "frozenset", "int", "str", "tuple"}  # mypy tells where one of these is left out
TRUE, FALSE = ast.Constant(value=True), ast.Constant(value=False)


def make_mutants(module: str, source: str) -> list[Mutant]:
    """Return every mutant of a module's source, in the order of its text; no two are the same program."""
    tree = ast.parse(source)
    seen = {ast.unparse(tree)}
    counts: Counter[tuple[str, str, str]] = Counter()
    mutants = []
    for place in list(_walk(tree, (), "")):
        for replacement in _replacements(place):
            mutant = place.break_as(module, tree, replacement)
            if mutant.source in seen:
                continue
            seen.add(mutant.source)
            counts[mutant.key[1:4]] += 1
            mutants.append(replace(mutant, nth=counts[mutant.key[1:4]]))
    return mutants


@dataclass(frozen=True)
class _Place:
    """A node of the tree: which field of its parent holds it, its ancestors from the module down, its function."""

    node: ast.AST
    ancestors: tuple[ast.AST, ...]
    field: str
    index: int | None
    function: str

    @property
    def parent(self) -> ast.AST:
        return self.ancestors[-1]

    def is_condition(self) -> bool:
        """Tell whether the node is put as true and as false, and so need not be negated as well."""
        return self.field in {"test", "ifs"}

    def put(self, node: ast.AST) -> None:
        if self.index is None:
            setattr(self.parent, self.field, node)
        else:
            getattr(self.parent, self.field)[self.index] = node

    def break_as(self, module: str, tree: ast.Module, replacement: ast.AST) -> Mutant:
        """Return the mutant with another node at this place; the tree is left as it was."""
        lineage = (*self.ancestors, self.node)
        statement = max(index for index, one in enumerate(lineage) if isinstance(one, ast.stmt))
        shown = next(one for one in lineage[statement:] if one is self.node or len(_show(one)) <= WIDTH)
        before = _show(shown)
        self.put(replacement)
        after = _show(replacement if shown is self.node else shown)
        source = ast.unparse(tree)
        self.put(self.node)
        return Mutant(module, self.function, before, after, 1, self.node.lineno, source)  # type: ignore[attr-defined]


def _show(node: ast.AST) -> str:
    """Return a node's text on one line; of a block only its head."""
    if isinstance(node, ast.FunctionDef | ast.ClassDef):
        return " " * (WIDTH + 1)  # never shown whole
    if isinstance(node, ast.If | ast.While | ast.For | ast.With):
        head = copy.copy(node)
        head.body = [ast.Expr(ast.Constant(value=...))]
        if not isinstance(head, ast.With):
            head.orelse = []
        node = head
    return " ".join(ast.unparse(ast.fix_missing_locations(node)).removesuffix("    ...").split())


def _walk(node: ast.AST, ancestors: tuple[ast.AST, ...], function: str) -> Iterator[_Place]:
    if isinstance(node, ast.FunctionDef | ast.ClassDef):
        function = f"{function}.{node.name}".strip(".")
    for field, value in ast.iter_fields(node):
        if field in {"annotation", "returns", "decorator_list", "bases"}:
            continue
        children = value if isinstance(value, list) else [value]
        for index, child in enumerate(children):
            if isinstance(child, ast.AST):
                place = _Place(child, (*ancestors, node), field, index if isinstance(value, list) else None, function)
                if isinstance(child, ast.expr | ast.stmt | ast.comprehension | ast.keyword):
                    yield place
                yield from _walk(child, (*ancestors, node), function)


def _replacements(place: _Place) -> Iterator[ast.AST]:
    """Yield what could stand at a place instead of what does."""
    if isinstance(place.node, ast.stmt):
        yield from _other_statements(place)
    elif isinstance(place.node, ast.expr):
        if place.is_condition():
            yield from [FALSE] if isinstance(place.parent, ast.While) else [TRUE, FALSE]
        yield from _other_expressions(place)


def _other_statements(place: _Place) -> Iterator[ast.AST]:  # noqa: C901 - a table, a row a kind
    match place.node:
        case ast.Return(value=value):
            if value is not None and not (isinstance(value, ast.Constant) and value.value is None):
                yield ast.Return(value=ast.Constant(value=None))
            if not isinstance(place.parent, ast.FunctionDef):
                yield ast.Pass()
        case ast.Expr(value=ast.Yield() | ast.YieldFrom()):
            yield ast.Expr(ast.YieldFrom(ast.Tuple(elts=[], ctx=ast.Load())))
        case ast.Expr(value=ast.Call()) | ast.Raise():
            yield ast.Pass()
        case ast.AugAssign(target=target, op=op, value=value):
            yield ast.Pass()
            yield ast.Assign(targets=[target], value=value, lineno=0)
            if type(op) in SUMS:
                yield ast.AugAssign(target=target, op=SUMS[type(op)](), value=value)
        case ast.Assign(targets=[ast.Subscript() | ast.Attribute()]):
            yield ast.Pass()
        case ast.Assign(targets=[ast.Name(id=name)]) if _is_bound_before(name, place):
            yield ast.Pass()
        case ast.Continue():
            yield ast.Pass()
            yield ast.Break()
        case ast.Break():
            yield ast.Pass()
            yield ast.Continue()


def _is_bound_before(name: str, place: _Place) -> bool:
    """Tell whether a name has a value already, so that the program stays one without this assignment."""
    function = next((one for one in reversed(place.ancestors) if isinstance(one, ast.FunctionDef)), None)
    if function is None:
        return False
    bound = [one for one in ast.walk(function) if isinstance(one, ast.Name) and isinstance(one.ctx, ast.Store)]
    return name in {one.arg for one in ast.walk(function.args) if isinstance(one, ast.arg)} or any(
        one.id == name and one.lineno < place.node.lineno for one in bound
    )


def _other_expressions(place: _Place) -> Iterator[ast.AST]:  # noqa: C901 - a table, a row a kind
    node = place.node
    match node:
        case ast.Compare(left=left, ops=[op], comparators=comparators):
            if type(op) in BOUNDARIES:
                yield ast.Compare(left=left, ops=[BOUNDARIES[type(op)]()], comparators=comparators)
            if not place.is_condition() and not isinstance(place.parent, ast.BoolOp):
                yield ast.Compare(left=left, ops=[NEGATIONS[type(op)]()], comparators=comparators)
        case ast.BoolOp(op=op, values=values):
            yield ast.BoolOp(op=ast.Or() if isinstance(op, ast.And) else ast.And(), values=values)
            for left_out in range(len(values)):
                rest = [value for index, value in enumerate(values) if index != left_out]
                yield rest[0] if len(rest) == 1 else ast.BoolOp(op=op, values=rest)
        case ast.UnaryOp(op=ast.Not() | ast.USub(), operand=operand):
            yield operand
        case ast.Constant(value=bool(value)):
            yield ast.Constant(value=not value)
        case ast.Constant(value=int(value)):
            yield ast.Constant(value=value + 1)
            yield ast.Constant(value=value - 1)
        case ast.BinOp(left=left, op=op, right=right) if type(op) in SUMS:
            yield ast.BinOp(left=left, op=SUMS[type(op)](), right=right)
        case ast.Tuple(elts=elements, ctx=ast.Load()) if len(elements) > 1 and not _is_type(place):
            for index in range(len(elements) - 1):
                swapped = [*elements[:index], elements[index + 1], elements[index], *elements[index + 2 :]]
                yield ast.Tuple(elts=swapped, ctx=ast.Load())
        case ast.Call() if place.function and not isinstance(place.parent, ast.AnnAssign):
            yield from _other_calls(node)


def _is_type(place: _Place) -> bool:
    return any(isinstance(one, ast.Subscript) for one in place.ancestors)


def _other_calls(call: ast.Call) -> Iterator[ast.AST]:
    """Yield a call without each of its named arguments, without the call round its only one, or of the opposite."""
    for left_out in range(len(call.keywords)):
        rest = [keyword for index, keyword in enumerate(call.keywords) if index != left_out]
        yield ast.Call(func=call.func, args=call.args, keywords=rest)
    match call:
        case ast.Call(func=ast.Name(id=name), args=[argument, *_]) if name in ORDERED:
            yield ast.Call(func=ast.Name(id="list", ctx=ast.Load()), args=[argument], keywords=[])
        case ast.Call(func=ast.Name(id=name), args=[argument], keywords=[]) if name not in KINDS:
            if not isinstance(argument, ast.Starred):
                yield argument
    match call.func:
        case ast.Name(id=name) if name in OPPOSITES:
            yield ast.Call(func=ast.Name(id=OPPOSITES[name], ctx=ast.Load()), args=call.args, keywords=call.keywords)
        case ast.Attribute(value=value, attr=name) if name in OPPOSITES:
            other = ast.Attribute(value=value, attr=OPPOSITES[name], ctx=ast.Load())
            yield ast.Call(func=other, args=call.args, keywords=call.keywords)
