"""A process that reads releases as BI does, to run beside what changes them."""

# A reader opens the current release over and over until a file tells it to stop; prints how often.
READER = """
import pathlib, sys, time, duckdb
releases, stop = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
reads = 0
while not stop.exists() or reads == 0:
    managers = (releases / "current").resolve() / "managers"
    ids = set()
    for parquet in sorted(managers.glob("*.parquet")):
        ids |= set(duckdb.sql(f"select distinct release_id from '{parquet}'").fetchall())
    with duckdb.connect(str(managers / "marts.duckdb"), read_only=True) as connection:
        ids |= set(connection.sql("select distinct release_id from agent_scorecard").fetchall())
    assert len(ids) == 1, ids
    reads += 1
    time.sleep(0.1)  # leaves the core to the run
print(reads)
"""
