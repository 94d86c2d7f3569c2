"""The backend that settings name. SQLite's own busy handler sleeps up to 0.1 s between tries, and whoever writes back
to back takes the lock again meanwhile: on a slow disk a writer could starve until its time was over. Here everybody who
writes takes a place in line first. Whoever writes past it (the ``sqlite3`` shell) still meets SQLite's own lock.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from django.db.backends.sqlite3 import base
from django.db.utils import OperationalError

from avatar_project.fair_sqlite.line import SUPPORTED, Line

_WRITES = frozenset({"INSERT", "UPDATE", "DELETE", "REPLACE"})
_TIMEOUT_S = 5.0
"""SQLite's own, where settings name none."""


class DatabaseWrapper(base.DatabaseWrapper):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._line: Line | None = None
        self._wait_s = _TIMEOUT_S
        self.execute_wrappers.append(self._in_turn)

    def get_new_connection(self, conn_params: dict[str, Any]) -> Any:
        connection = super().get_new_connection(conn_params)
        if SUPPORTED and not self.is_in_memory_db():
            file = Path(str(conn_params["database"]))
            self._line = Line(file.with_name(file.name + "-queue"))
            self._wait_s = float(conn_params.get("timeout", _TIMEOUT_S))
        return connection

    def _start_transaction_under_autocommit(self) -> None:
        self._enter()
        try:
            super()._start_transaction_under_autocommit()  # type: ignore[misc]  # the stubs leave out what is private
        except BaseException:
            self._leave()
            raise

    def _commit(self) -> None:
        try:
            super()._commit()  # type: ignore[misc]
        finally:
            self._leave()

    def _rollback(self) -> None:
        try:
            super()._rollback()  # type: ignore[misc]
        finally:
            self._leave()

    def _close(self) -> None:
        try:
            super()._close()  # type: ignore[misc]
        finally:
            line, self._line = self._line, None
            if line is not None:
                line.close()

    def _in_turn(self, execute: Callable[..., Any], sql: str, params: Any, many: bool, context: Any) -> Any:
        """A statement outside of a transaction is one by itself."""
        if self.in_atomic_block or sql[:10].lstrip().partition(" ")[0].upper() not in _WRITES:
            return execute(sql, params, many, context)
        self._enter()
        try:
            return execute(sql, params, many, context)
        finally:
            self._leave()

    def _enter(self) -> None:
        if self._line is not None:
            try:
                self._line.enter(self._wait_s)
            except TimeoutError as error:
                raise OperationalError(f"database is locked: {error}") from error

    def _leave(self) -> None:
        """Ends the turn once no transaction is open any more (a COMMIT that was refused leaves it open)."""
        if self._line is not None and (self.connection is None or not self.connection.in_transaction):
            self._line.leave()
