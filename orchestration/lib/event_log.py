"""Dagster's event log with database connections that stay open.

Belongs here: the storage class that dagster.yaml names. Does not belong here: other settings of the
instance (dagster_home.py).

Dagster's own class makes an engine, opens, writes and closes a file for every event, up to four
times, and a run notes several events for each model and each test. That was a third of the CPU time
of a run on little data, and most of its waiting for the disk.
"""

from __future__ import annotations

import os
from collections import OrderedDict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from dagster._core.storage.event_log.sqlite.sqlite_event_log import (
    INDEX_SHARD_NAME,
    SqliteEventLogStorage,
)
from dagster._core.storage.sqlite import SQLITE_BUSY_TIMEOUT_SECONDS
from dagster._serdes import ConfigurableClassData
from sqlalchemy import create_engine, event
from sqlalchemy.engine import Connection, Engine
from sqlalchemy.pool import QueuePool

# Each run has a file of its own, and a server looks at many of them in its life.
KEPT_OPEN = 8


class OpenSqliteEventLog(SqliteEventLogStorage):
    """SqliteEventLogStorage with one open connection for each file that was used lately."""

    def __init__(self, base_dir: str, inst_data: ConfigurableClassData | None = None) -> None:
        self._engines: OrderedDict[str, Engine] = OrderedDict()
        super().__init__(base_dir, inst_data)

    @classmethod
    def from_config_value(
        cls, inst_data: ConfigurableClassData | None, config_value: Mapping[str, Any]
    ) -> OpenSqliteEventLog:
        """`base_dir` is Dagster's home; the files lie where Dagster's own class has them."""
        return cls(os.path.join(config_value["base_dir"], "history", "runs", ""), inst_data)

    @contextmanager
    def _connect(self, shard: str) -> Iterator[Connection]:
        # One user at a time, as in the class above: nobody else's engine is closed here.
        with self._db_lock, self._engine(shard).connect() as connection, connection.begin():
            yield connection

    def _engine(self, shard: str) -> Engine:
        if shard not in self._engines:
            engine = self._make_engine(shard)
            if shard not in self._initialized_dbs:
                self._initdb(engine)
                self._initialized_dbs.add(shard)
            self._engines[shard] = engine
        self._engines.move_to_end(shard)
        while len(self._engines) > KEPT_OPEN:
            self._engines.popitem(last=False)[1].dispose()
        return self._engines[shard]

    def _make_engine(self, shard: str) -> Engine:
        engine = create_engine(
            self.conn_string_for_shard(shard),
            poolclass=QueuePool,
            pool_size=1,
            connect_args={"timeout": SQLITE_BUSY_TIMEOUT_SECONDS},
        )
        if shard != INDEX_SHARD_NAME:
            # The UI watches the file of a run, so news must not wait in the journal beside it.
            event.listen(engine, "connect", _write_through)
        return engine

    def remove_file(self, run_id: str) -> None:
        """Remove the file of a run whose events were deleted; Dagster leaves it as big as ever."""
        with self._db_lock:
            if run_id in self._engines:
                self._engines.pop(run_id).dispose()
            self._initialized_dbs.discard(run_id)
        for suffix in ("", "-wal", "-shm"):
            Path(f"{self.path_for_shard(run_id)}{suffix}").unlink(missing_ok=True)

    def wipe(self) -> None:
        """Delete every event; an open connection would go on writing into a deleted file."""
        self._close()
        super().wipe()

    def dispose(self) -> None:
        """Close what was opened."""
        self._close()
        super().dispose()

    def _close(self) -> None:
        with self._db_lock:
            while self._engines:
                self._engines.popitem()[1].dispose()


def _write_through(connection: Any, _record: object) -> None:
    connection.execute("pragma wal_autocheckpoint = 1")
