"""Pages read by key, not by offset, so that rows written meanwhile shift nothing."""

import base64
import binascii
import json
import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any, Literal, Self

Direction = Literal["next", "prev"]
_TOO_LARGE = 2**63


@dataclass(frozen=True)
class Clause:
    """A piece of SQL, a clause of WHERE or FROM, and its parameters."""

    sql: str
    params: tuple[Any, ...] = ()


@dataclass(frozen=True)
class Order:
    """A sort expression and the unique column that breaks ties."""

    expression: str
    tie: str
    is_descending: bool = False


@dataclass(frozen=True)
class Cursor:
    """Where a page starts: after (or before) the row with these values."""

    direction: Direction
    value: Any
    tie: Any

    def encode(self) -> str:
        """Return the opaque form: base64 of `next:…` or `prev:…`, as the vendor's samples show."""
        return base64.urlsafe_b64encode(f"{self.direction}:{json.dumps([self.value, self.tie])}".encode()).decode()

    @classmethod
    def decode(cls, text: str) -> Self | None:
        """Return the cursor, or None for text that never was one."""
        try:
            direction, _, values = base64.urlsafe_b64decode(text.encode()).decode().partition(":")
            value, tie = json.loads(values)
            # A lone surrogate is JSON, but no text SQLite can compare.
            f"{value}{tie}".encode()
        except (binascii.Error, ValueError, TypeError, RecursionError):
            return None
        if not (_is_value(value) and _is_value(tie)):
            return None
        if direction == "next":
            return cls("next", value, tie)
        return cls("prev", value, tie) if direction == "prev" else None


@dataclass(frozen=True)
class Page:
    """Rows in order, and the cursors of the pages beside them."""

    rows: list[sqlite3.Row]
    next: Cursor | None
    prev: Cursor | None


@dataclass(frozen=True)
class Listing:
    """A collection that can be read in pages: columns, tables and the conditions its rows fulfil."""

    columns: str
    source: Clause
    order: Order
    conditions: tuple[Clause, ...] = ()

    def where(self, *conditions: Clause) -> "Listing":
        """Return the listing with further conditions."""
        return replace(self, conditions=(*self.conditions, *conditions))

    def count(self, db: sqlite3.Connection) -> int:
        """Return the number of rows on all pages."""
        sql, params = _select("count(*)", self.source, self.conditions)
        total: int = db.execute(sql, params).fetchone()[0]
        return total

    def read(self, db: sqlite3.Connection, limit: int, cursor: Cursor | None = None) -> Page:
        """Return one page of at most `limit` rows."""
        is_back = cursor is not None and cursor.direction == "prev"
        is_falling = self.order.is_descending is not is_back
        conditions = list(self.conditions)
        if cursor is not None:
            row_value = f"({self.order.expression}, {self.order.tie})"
            sign = "<" if is_falling else ">"
            conditions.append(Clause(f"{row_value} {sign} (?, ?)", (cursor.value, cursor.tie)))
        way = "DESC" if is_falling else "ASC"
        columns = f"{self.columns}, {self.order.expression} AS page_value, {self.order.tie} AS page_tie"
        order = f"ORDER BY {self.order.expression} {way}, {self.order.tie} {way} LIMIT {limit + 1}"
        sql, params = _select(columns, self.source, conditions, order)
        rows = db.execute(sql, params).fetchall()
        has_more = len(rows) > limit
        rows = rows[:limit]
        if is_back:
            rows.reverse()
        return _page(rows, cursor, has_more=has_more, is_back=is_back)


def _is_value(value: Any) -> bool:
    """Say whether SQLite can compare a row with it: a cursor from elsewhere may hold anything."""
    return isinstance(value, str | float | None) or (isinstance(value, int) and abs(value) < _TOO_LARGE)


def _page(rows: list[sqlite3.Row], cursor: Cursor | None, *, has_more: bool, is_back: bool) -> Page:
    """Return the page with its neighbours; a page reached by a cursor has one behind it."""
    has_next = bool(rows) and (is_back or has_more)
    has_prev = bool(rows) and (has_more if is_back else cursor is not None)
    return Page(
        rows,
        Cursor("next", rows[-1]["page_value"], rows[-1]["page_tie"]) if has_next else None,
        Cursor("prev", rows[0]["page_value"], rows[0]["page_tie"]) if has_prev else None,
    )


def _select(columns: str, source: Clause, conditions: Iterable[Clause], tail: str = "") -> tuple[str, tuple[Any, ...]]:
    """Return a statement and its parameters; values never become part of the text."""
    conditions = list(conditions)
    clause = " AND ".join(f"({condition.sql})" for condition in conditions) or "1"
    # Every piece is a constant of this package; what a caller sends is a parameter.
    sql = f"SELECT {columns} FROM {source.sql} WHERE {clause} {tail}"  # noqa: S608
    return sql, (*source.params, *(param for condition in conditions for param in condition.params))
