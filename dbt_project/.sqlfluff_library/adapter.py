"""Stand-in for dbt's `adapter` while sqlfluff lints: engine macros read as plain functions.

Belongs here: what a model or macro asks of `adapter`. Does not belong here: SQL of an engine; the
linter has no connection, so what differs between engines is not linted.
"""

from collections.abc import Callable


def dispatch(macro: str) -> Callable[..., str]:
    """A macro that renders as a function call of its own name: `add_days(day, 1)`."""
    if macro == "matches":
        return lambda value, pattern: f"matches({value}, '{pattern}')"
    return lambda *arguments: f"{macro}({', '.join(map(str, arguments))})"


def quote(identifier: str) -> str:
    """The identifier in double quotes, as DuckDB quotes."""
    return f'"{identifier}"'
