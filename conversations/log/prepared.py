"""Statements of the ORM compiled once: an append runs about ten, and compiling them anew takes longer than SQLite."""

import functools
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Generic, TypeVar

from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import BooleanField, CharField, Field, FloatField, IntegerField, Model, TextField
from django.db.models.sql.compiler import SQLCompiler

from conversations.log import statements

M = TypeVar("M", bound=Model)
_Converters = dict[int, tuple[list[Callable[..., Any]], Any]]
_Prepare = Callable[[Any, BaseDatabaseWrapper], Any]
_AMONG = 16
"""Values that one question asks for: each number of them is a statement of its own, kept for good."""
_AS_IT_IS = (BooleanField, CharField, FloatField, IntegerField, TextField)
"""Fields whose Python values the databases take as they are."""


class Select(Generic[M]):
    """``SELECT <all columns> FROM model WHERE <by> = ... AND ...``, for rows equal to the values given."""

    def __init__(self, model: type[M], *by: str) -> None:
        self._model = model
        self._by = by
        self._names = [field.attname for field in model._meta.concrete_fields]

    def __call__(self, *values: object) -> list[M]:
        connection = connections["default"]
        sql, converters, fields = self._compiled(connection.vendor)
        params = [field.get_db_prep_value(value, connection) for field, value in zip(fields, values, strict=True)]
        return self._rows(statements.fetch(connection, sql, params), converters)

    def any(self, *values: object, of: Iterable[object]) -> list[M]:
        """Rows equal to ``values`` whose last column is any ``of`` these."""
        connection, found, most = connections["default"], list[M](), list(of)
        for start in range(0, len(most), _AMONG):
            wanted = most[start : start + _AMONG]
            sql, converters, fields = self._compiled(connection.vendor, len(wanted))
            given = zip([*fields, *[fields[-1]] * (len(wanted) - 1)], [*values, *wanted], strict=True)
            params = [field.get_db_prep_value(value, connection) for field, value in given]
            found += self._rows(statements.fetch(connection, sql, params), converters)
        return found

    def _rows(self, rows: Iterable[Sequence[Any]], converters: _Converters) -> list[M]:
        connection = connections["default"]
        return [self._model.from_db("default", self._names, _convert(row, converters, connection)) for row in rows]

    def first(self, *values: object) -> M | None:
        rows = self(*values)
        return rows[0] if rows else None

    @functools.cache  # noqa: B019 - one per module, for as long as the process lives
    def _compiled(self, vendor: str, among: int = 0) -> tuple[str, _Converters, "list[Field[Any, Any]]"]:
        fields = _fields(self._model, self._by)
        compiler = self._model._default_manager.order_by().query.get_compiler("default")
        sql, _params = compiler.as_sql()
        tests = [f"{_column(field)} = %s" for field in fields]
        if among:
            tests[-1] = f"{_column(fields[-1])} IN ({', '.join(['%s'] * among)})"
        return f"{sql} WHERE {' AND '.join(tests)}", _converters(compiler), fields


class Delete(Generic[M]):
    """``DELETE FROM model WHERE <by> = ... AND ...``: of these rows alone, nothing that refers to them."""

    def __init__(self, model: type[M], *by: str) -> None:
        self._model = model
        self._by = by

    def __call__(self, *values: object) -> None:
        connection = connections["default"]
        sql, fields = self._compiled(connection.vendor)
        params = [field.get_db_prep_value(value, connection) for field, value in zip(fields, values, strict=True)]
        statements.run(connection, sql, [params])

    @functools.cache  # noqa: B019 - one per module, for as long as the process lives
    def _compiled(self, vendor: str) -> "tuple[str, list[Field[Any, Any]]]":
        fields = _fields(self._model, self._by)
        table = connections["default"].ops.quote_name(self._model._meta.db_table)
        where = " AND ".join(f"{_column(field)} = %s" for field in fields)
        return f"DELETE FROM {table} WHERE {where}", fields  # noqa: S608 - the model's own names


class Insert(Generic[M]):
    """``INSERT`` of whole rows; with ``key``, a row that has the same key is overwritten instead.

    An automatic primary key that is not ``key`` is left to the database.
    """

    def __init__(self, model: type[M], *, key: tuple[str, ...] = (), skip: tuple[str, ...] = ()) -> None:
        self._model = model
        self._key = key
        self._skip = skip

    def __call__(self, rows: Iterable[M]) -> None:
        connection = connections["default"]
        sql, columns = self._compiled(connection.vendor)
        many = (
            [
                getattr(row, name) if prepare is None else prepare(getattr(row, name), connection)
                for name, prepare in columns
            ]
            for row in rows
        )
        statements.run(connection, sql, many)

    @functools.cache  # noqa: B019 - one per module, for as long as the process lives
    def _compiled(self, vendor: str) -> tuple[str, list[tuple[str, _Prepare | None]]]:
        table = connections["default"].ops.quote_name(self._model._meta.db_table)
        fields = [field for field in self._model._meta.concrete_fields if field.name not in self._skip]
        names = ", ".join(_column(field) for field in fields)
        marks = ", ".join(["%s"] * len(fields))
        sql = f"INSERT INTO {table} ({names}) VALUES ({marks})"  # noqa: S608 - the model's own names
        if self._key:
            target = ", ".join(_column(field) for field in _fields(self._model, self._key))
            changed = [_column(field) for field in fields if field.name not in self._key]
            sql += f" ON CONFLICT ({target}) DO UPDATE SET " + ", ".join(
                f"{name} = EXCLUDED.{name}" for name in changed
            )
        columns: list[tuple[str, _Prepare | None]] = [
            (field.attname, None if isinstance(field, _AS_IT_IS) else field.get_db_prep_save) for field in fields
        ]
        return sql, columns


def _fields(model: type[Model], names: Iterable[str]) -> "list[Field[Any, Any]]":
    wanted = {field.name: field for field in model._meta.concrete_fields}
    return [wanted[name] for name in names]


def _column(field: "Field[Any, Any]") -> str:
    return connections["default"].ops.quote_name(str(field.column))


def _converters(compiler: SQLCompiler) -> _Converters:
    compiler.setup_query()
    return compiler.get_converters([expression for expression, _sql, _alias in compiler.select])


def _convert(row: Sequence[Any], converters: _Converters, connection: BaseDatabaseWrapper) -> list[Any]:
    values = list(row)
    for index, (functions, expression) in converters.items():
        for function in functions:
            values[index] = function(values[index], expression, connection)
    return values
