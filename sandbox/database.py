"""The SQLite connection, and what was read from it and holds until something is written."""

import sqlite3
from collections.abc import Callable, Hashable
from typing import Any, TypeVar

_Found = TypeVar("_Found")


class Database(sqlite3.Connection):
    """A connection that remembers what it was asked, for as long as nothing is written or undone."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._known: dict[Hashable, Any] = {}
        self._changes = 0

    def recall(self, key: Hashable, find: Callable[[], _Found]) -> _Found:
        """Return what `find` returned for this key, asking it again only after a write; nobody may change it."""
        # SQLite counts every row that is written, also those of a transaction that is undone later.
        if self.total_changes != self._changes:
            self.forget()
        if key not in self._known:
            self._known[key] = find()
        found: _Found = self._known[key]
        return found

    def forget(self) -> None:
        """Ask again from now on."""
        self._known.clear()
        self._changes = self.total_changes

    def execute(self, sql: str, parameters: Any = (), /) -> sqlite3.Cursor:
        """Return the rows of a statement; one that undoes something ends what is known."""
        if sql.startswith("ROLLBACK"):
            self.forget()
        return super().execute(sql, parameters)

    def rollback(self) -> None:
        """Undo the transaction."""
        if self.in_transaction:
            self.forget()
            super().rollback()
