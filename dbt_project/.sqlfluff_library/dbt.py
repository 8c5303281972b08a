"""Stand-in for dbt's own macros (`dbt.<name>`) while sqlfluff lints.

Belongs here: those that models use. Does not belong here: macros of this project, which the linter
reads from macros/.
"""


def type_string() -> str:
    """The engine's type for text."""
    return "varchar"


def escape_single_quotes(text: str) -> str:
    """The text as it stands within a SQL string."""
    return text.replace("'", "''")
