"""Stand-in for dbt's `target` while sqlfluff lints.

Belongs here: what macros ask of the target. Does not belong here: profiles; the linter connects to
nothing.
"""

type = "duckdb"
