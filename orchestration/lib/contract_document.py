"""The raw contract as a page for those who write loaders; `make docs` writes it.

Belongs here: laying out what _native__sources.yml says. Does not belong here: any rule of the
contract; docs/raw-contract.md is this page, and a test holds it to the contract.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from orchestration.lib.contract import CONTRACT_PATH, SOURCE_NAME

INTRODUCTION = """\
# Raw contract for loaders

What a loader delivers. `make docs` writes this page from the contract that ingest and staging read
(`dbt_project/models/staging/native/_native__sources.yml`).

## Landing

- One folder per table under the raw root: `<raw root>/<table>/*.csv` or `*.parquet`. Many files
  per table; a file never changes once landed. Names that start with `_` or `.` are not read, so a
  file can be written under such a name and renamed when it is complete.
- Columns are matched by header name, in any order. A missing required column refuses the batch; an
  extra column is ignored with a warning.
- Files are append-only change logs: the same key may come many times. The row with the greatest
  `_loaded_at` holds; a loader that stamps several changes of a key alike adds `_sequence`.
- A row is taken back by a tombstone: its key, `_loaded_at` and `_deleted` = true.
- `manifest.jsonl` in the raw root is optional: one line
  `{"path": ..., "sha256": ..., "rows": ..., "batch_id": ...}` per file. Where it exists, a file
  that differs from it, is missing from it, or is listed and absent refuses the batch.

## Cells

| type | what reads |
|---|---|
| id, text | any text; blanks around it are trimmed, leading zeros stay |
| timestamp | ISO 8601 with an offset (`2026-03-08T06:30:00Z`); without one the row is quarantined |
| date | `2026-03-08` |
| integer, number | digits with a decimal point; `1,234` or `85%` do not read |
| boolean | true, false, 1, 0 in any case |
| one of ... | exactly one of the values |

Empty, `N/A`, `NULL` and `-` mean null. A cell that does not read, or is null where it may not be,
sets its row aside with the reason (`lost_and_found`); the run goes on, and an earlier good version
of the row counts. In tables marked strict it refuses the batch.

Every table also has

| column | type | |
|---|---|---|
| `_loaded_at` | timestamp | when the loader wrote the row (UTC); required |
| `_deleted` | boolean | true for a tombstone; may be absent |
| `_sequence` | integer | order of changes with one `_loaded_at`, greater is later; may be absent |

## Tables

Key columns are bold; `?` marks columns that may be empty or absent.
"""


def contract_page(path: Path = CONTRACT_PATH) -> str:
    """The page as Markdown."""
    document = yaml.safe_load(path.read_text(encoding="utf-8"))
    source = next(source for source in document["sources"] if source["name"] == SOURCE_NAME)
    return INTRODUCTION + "".join(_table_section(table) for table in source["tables"])


def _table_section(table: dict[str, Any]) -> str:
    meta = table["config"]["meta"]
    marks = [mark for mark in ("required", "strict") if meta.get(mark)]
    if "parent" in meta:
        marks.append(f"rows hang on {meta['parent']['table']}")
    marked = f" ({', '.join(marks)})" if marks else ""
    lines = [f"\n### {table['name']}\n", f"{table['description']}{marked}\n"]
    lines += ["| column | type | |", "|---|---|---|"]
    lines += [_column_row(column, meta["key"]) for column in table["columns"]]
    return "\n".join(lines) + "\n"


def _column_row(column: dict[str, Any], key: list[str]) -> str:
    meta = column["config"]["meta"]
    name = f"**{column['name']}**" if column["name"] in key else column["name"]
    optional = "?" if meta.get("nullable") else ""
    kind = "one of " + ", ".join(meta["values"]) if meta["type"] == "enum" else meta["type"]
    default = f" Default {meta['default']}." if "default" in meta else ""
    return f"| {name}{optional} | {kind} | {column['description']}{default} |"


if __name__ == "__main__":
    print(contract_page(), end="")
