"""The raw contract as Python reads it: tables, columns, types and keys.

Belongs here: turning dbt_project/models/staging/native/_native__sources.yml, the single place of
the contract, into checked objects. Does not belong here: any table or column by name, and how files
are read (raw_files.py).
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, model_validator

from orchestration.lib.settings import PROJECT_ROOT

CONTRACT_PATH = (
    PROJECT_ROOT / "dbt_project" / "models" / "staging" / "native" / "_native__sources.yml"
)
SOURCE_NAME = "raw"
LOADED_AT = "_loaded_at"

ColumnType = Literal["id", "text", "enum", "timestamp", "date", "integer", "number", "boolean"]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Column(_Part):
    """One column: `nullable` cells may be empty, and so may the column be absent."""

    name: str
    type: ColumnType
    nullable: bool = False
    values: tuple[str, ...] = ()
    event_time: bool = False
    default: int | None = None

    @model_validator(mode="after")
    def _enum_has_values(self) -> Column:
        if (self.type == "enum") != bool(self.values):
            raise ValueError(f"column {self.name}: values belong to an enum, and only to it")
        return self


LOAD_COLUMNS = (
    Column(name=LOADED_AT, type="timestamp"),
    Column(name="_deleted", type="boolean", nullable=True),
    Column(name="_sequence", type="integer", nullable=True),
)


class Parent(_Part):
    """The table whose rows a row hangs on, found by the named column."""

    table: str
    column: str


class Table(_Part):
    """One raw table.

    `columns` are those of the contract, `load_columns` those a loader adds to every table.
    `required`: without it nothing is built. `strict`: not one row may be quarantined.
    """

    name: str
    key: tuple[str, ...]
    required: bool = False
    strict: bool = False
    parent: Parent | None = None
    columns: tuple[Column, ...]
    load_columns: tuple[Column, ...] = LOAD_COLUMNS

    @property
    def all_columns(self) -> tuple[Column, ...]:
        """Columns of the contract in its order, then those of the loader."""
        return self.columns + self.load_columns

    @property
    def needed_names(self) -> list[str]:
        """Columns without which a file is refused."""
        return [column.name for column in self.all_columns if not column.nullable]

    @model_validator(mode="after")
    def _key_is_made_of_columns(self) -> Table:
        names = {column.name for column in self.columns}
        strangers = [name for name in self.key if name not in names]
        if self.parent and self.parent.column not in names:
            strangers.append(self.parent.column)
        if strangers:
            raise ValueError(f"table {self.name}: no column {', '.join(strangers)}")
        return self


class Contract(_Part):
    """All tables by name, in the order of the file."""

    tables: dict[str, Table]

    @model_validator(mode="after")
    def _parents_are_tables(self) -> Contract:
        for table in self.tables.values():
            if table.parent and table.parent.table not in self.tables:
                raise ValueError(f"table {table.name}: no parent table {table.parent.table}")
        return self


@cache
def load_contract(path: Path = CONTRACT_PATH) -> Contract:
    """The contract in `path`.

    Raises ValueError (pydantic) where the file contradicts itself: a fault of the project, not of
    the input.
    """
    document = yaml.safe_load(path.read_text(encoding="utf-8"))
    source = next(source for source in document["sources"] if source["name"] == SOURCE_NAME)
    tables = [_table(described) for described in source["tables"]]
    return Contract(tables={table.name: table for table in tables})


def _table(described: dict[str, Any]) -> Table:
    columns = [
        {"name": column["name"], **column["config"]["meta"]} for column in described["columns"]
    ]
    return Table(name=described["name"], columns=columns, **described["config"]["meta"])
