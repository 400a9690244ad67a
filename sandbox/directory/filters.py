"""OData's $filter as Graph takes it for directory objects, as a condition of SQL."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from sandbox.answers import Refusal
from sandbox.directory.errors import bad_request
from sandbox.directory.filter_tokens import Token, literal_of, read_tokens, syntax_error
from sandbox.directory.properties import Property, is_filterable, property_of
from sandbox.paging import Clause

MAX_CLAUSES = 15  # of one `in`, and of all `or` of a filter
MAX_DEPTH = 50
MAX_NODES = 250

_COMPARISONS = {"eq": "E", "ne": "E", "ge": "G", "le": "G", "gt": "G", "lt": "G"}
_SIGNS = {"eq": "IS", "ne": "IS NOT", "ge": ">=", "le": "<=", "gt": ">", "lt": "<"}
_FUNCTIONS = {"startswith": "S", "endswith": "Z"}
_ONLY_ADVANCED = {"ne", "endswith"}


@dataclass
class _Reader:
    """The tokens of a filter, the place reached, and what surrounds it."""

    text: str
    tokens: list[Token]
    columns: Mapping[str, str]
    resource: str
    is_advanced: bool
    place: int = 0
    alternatives: int = 1
    depth: int = 0
    nodes: int = 0
    # The variable of the lambda around, and the property it runs through.
    variable: str = ""
    through: str = ""
    _end: Token = field(default_factory=lambda: Token("", 0))

    def peek(self, ahead: int = 0) -> str:
        place = self.place + ahead
        return self.tokens[place].text if place < len(self.tokens) else ""

    def next(self, wanted: str = "") -> str:
        token = self.peek()
        if not token or (wanted and token.lower() != wanted):
            raise self.fault()
        self.place += 1
        return token

    def fault(self) -> Refusal:
        """Return the refusal of what stands at the place reached."""
        position = self.tokens[self.place].position if self.place < len(self.tokens) else len(self.text)
        return syntax_error(position, self.text)


def read_filter(text: str, columns: Mapping[str, str], resource: str = "", *, is_advanced: bool = False) -> Clause:
    """Return the filter as a condition; `columns` maps Graph's properties to expressions without case."""
    text = text.strip()
    reader = _Reader(text, read_tokens(text), columns, resource or "DirectoryObject", is_advanced)
    condition = _any_of(reader)
    if reader.peek():
        raise reader.fault()
    return condition


def _any_of(reader: _Reader) -> Clause:
    reader.depth += 1
    if reader.depth > MAX_DEPTH:
        raise bad_request("Invalid filter clause: Recursion depth exceeded allowed limit.", "BadRequest")
    terms = [_all_of(reader)]
    while reader.peek().lower() == "or":
        reader.next()
        reader.alternatives += 1
        _check_clauses(reader.alternatives)
        terms.append(_all_of(reader))
    reader.depth -= 1
    return _join("OR", terms)


def _all_of(reader: _Reader) -> Clause:
    terms = [_term(reader)]
    while reader.peek().lower() == "and":
        reader.next()
        terms.append(_term(reader))
    return _join("AND", terms)


def _join(operator: str, terms: list[Clause]) -> Clause:
    sql = f" {operator} ".join(f"({term.sql})" for term in terms)
    return Clause(sql, tuple(param for term in terms for param in term.params))


def _term(reader: _Reader) -> Clause:
    reader.nodes += 1
    if reader.nodes > MAX_NODES:
        message = f"Invalid filter clause: The node count limit of '{MAX_NODES}' has been exceeded."
        raise bad_request(message, "BadRequest")
    word = reader.next()
    low = word.lower()
    if word == "(":
        inner = _any_of(reader)
        reader.next(")")
        return inner
    if low == "not":
        return _negated(reader)
    if reader.peek() == "(":
        if low in _FUNCTIONS:
            return _function(reader, low)
        if low.endswith("/any"):
            return _any_item(reader, word[: -len("/any")])
        raise _refused_function(word)
    if low.endswith("/$count"):
        return _counted(reader, word[: -len("/$count")])
    return _compared(reader, word)


def _negated(reader: _Reader) -> Clause:
    """Return the negation of a term; what is not known is not true, so its negation is."""
    _require_advanced(reader, "not")
    reader.depth += 1
    if reader.depth > MAX_DEPTH:
        raise bad_request("Invalid filter clause: Recursion depth exceeded allowed limit.", "BadRequest")
    inner = _term(reader)
    reader.depth -= 1
    return Clause(f"NOT ifnull(({inner.sql}), 0)", inner.params)


def _compared(reader: _Reader, name: str) -> Clause:
    column, known = _resolve(reader, name)
    operator = reader.next().lower()
    if operator == "in":
        return _among(reader, name, column, known)
    if operator not in _COMPARISONS:
        reader.place -= 1
        raise reader.fault()
    if operator in _ONLY_ADVANCED:
        _require_advanced(reader, operator)
    value = literal_of(reader.next(), known.kind, operator, reader.fault)
    capital = "N" if value is None and operator in {"eq", "ne"} else _COMPARISONS[operator]
    # Not equal to null is what the index store was made for, whatever the property.
    if operator != "ne":
        _require_operator(reader, known, capital, name)
    if value is None and operator not in {"eq", "ne"}:
        return Clause("0")
    return Clause(f"{column} {_SIGNS[operator]} ?", (value,))


def _among(reader: _Reader, name: str, column: str, known: Property) -> Clause:
    values = _listed(reader, lambda token: literal_of(token, known.kind, "in", reader.fault))
    _check_clauses(len(values))
    _require_operator(reader, known, "I", name)
    given = [value for value in values if value is not None]
    among = f"{column} IN ({', '.join('?' * len(given))})"
    return Clause(f"{among} OR {column} IS NULL" if len(given) < len(values) else among, tuple(given))


def _listed(reader: _Reader, read: Callable[[str], Any]) -> list[Any]:
    reader.next("(")
    values = [read(reader.next())]
    while reader.peek() == ",":
        reader.next()
        values.append(read(reader.next()))
    reader.next(")")
    return values


def _function(reader: _Reader, function: str) -> Clause:
    reader.next("(")
    name = reader.next()
    reader.next(",")
    value = literal_of(reader.next(), "text", function, reader.fault)
    reader.next(")")
    # Graph's own samples write both startsWith(x, 'a') and startsWith(x, 'a') eq true.
    if reader.peek().lower() == "eq" and reader.peek(1).lower() == "true":
        reader.place += 2
    if function in _ONLY_ADVANCED:
        _require_advanced(reader, "endsWith")
    column, known = _resolve(reader, name)
    _require_operator(reader, known, _FUNCTIONS[function], name)
    text = str(value or "")
    if function == "startswith":
        return Clause(f"substr({column}, 1, ?) = ?", (len(text), text))
    return Clause(f"substr({column}, length({column}) - ? + 1) = ?", (len(text), text))


def _any_item(reader: _Reader, name: str) -> Clause:
    column, known = _resolve(reader, name)
    if known.kind != "list" or reader.variable:
        raise _refused_function("any")
    if not is_filterable(reader.resource, name) or name == "assignedPlans":
        raise bad_request(f"Complex query on property {name} is not supported.", "Request_UnsupportedQuery")
    reader.next("(")
    # The column comes from the table of columns, never from the caller.
    items = f"SELECT 1 FROM json_each({column}) AS item"  # noqa: S608
    if reader.peek() == ")":
        reader.next()
        return Clause(f"EXISTS ({items})")
    reader.variable, reader.through = reader.next(), name
    reader.next(":")
    inner = _any_of(reader)
    reader.next(")")
    reader.variable = reader.through = ""
    return Clause(f"EXISTS ({items} WHERE {inner.sql})", inner.params)


def _counted(reader: _Reader, name: str) -> Clause:
    """Return a condition on the size of a list: Graph knows only whether it is empty."""
    column, known = _resolve(reader, name)
    operator, size = reader.next().lower(), reader.next()
    if known.kind != "list" or operator not in _COMPARISONS or not size.isdecimal() or len(size) > 9:  # noqa: PLR2004  # digits SQLite takes
        raise _refused_property(reader, name)
    _require_advanced(reader, "$count")
    return Clause(f"ifnull(json_array_length({column}), 0) {_SIGNS[operator]} ?", (int(size),))


def _resolve(reader: _Reader, name: str) -> tuple[str, Property]:
    """Return the expression of a property, or of the item of the lambda around, and what is known of it."""
    if reader.variable:
        return _resolve_item(reader, name)
    if name not in reader.columns:
        raise bad_request(f"Invalid filter clause: Could not find a property named '{name}'.", "BadRequest")
    if not is_filterable(reader.resource, name):
        raise _refused_property(reader, name)
    return reader.columns[name], property_of(name)


def _resolve_item(reader: _Reader, name: str) -> tuple[str, Property]:
    variable, _, member = name.partition("/")
    if variable != reader.variable or (member and not (member.isascii() and member.isalnum())):
        raise bad_request(f"Invalid filter clause: Could not find a property named '{name}'.", "BadRequest")
    if not member:
        return "fold(item.value)", Property("text", property_of(reader.through).operators)
    return f"fold(json_extract(item.value, '$.{member}'))", property_of(member)


def _check_clauses(count: int) -> None:
    if count > MAX_CLAUSES:
        message = (
            "Too many child clauses specified in search filter expression containing 'OR' operators: "
            f"{count}. Max allowed: {MAX_CLAUSES}."
        )
        raise bad_request(message, "Request_UnsupportedQuery")


def _require_advanced(reader: _Reader, operator: str) -> None:
    if not reader.is_advanced:
        raise needs_advanced(operator)


def _require_operator(reader: _Reader, known: Property, capital: str, name: str) -> None:
    if not known.takes(capital, is_advanced=reader.is_advanced):
        raise _refused_property(reader, reader.through or name)


def needs_advanced(operator: str) -> Refusal:
    """Return the 400 for what only an advanced query may ask."""
    message = (
        f"Operator '{operator}' is not supported because the required parameters might be missing. Try adding "
        "$count=true query parameter and ConsistencyLevel:eventual header. Refer to "
        "https://aka.ms/graph-docs/advanced-queries for more information"
    )
    return bad_request(message, "Request_UnsupportedQuery")


def _refused_property(reader: _Reader, name: str) -> Refusal:
    message = (
        f"Unsupported or invalid query filter clause specified for property '{name}' of resource '{reader.resource}'."
    )
    return bad_request(message, "Request_UnsupportedQuery")


def _refused_function(name: str) -> Refusal:
    operator = name.rpartition("/")[2]
    message = f"Unsupported property filter clause operator '{operator[:1].upper()}{operator[1:]}'."
    return bad_request(message, "Request_UnsupportedQuery")
