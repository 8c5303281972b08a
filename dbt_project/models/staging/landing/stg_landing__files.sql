-- One row per landed raw file, as ingest counted it; the other side of the conservation of rows.
select
    raw_table,
    file as raw_file,
    sha256,
    cast(rows as bigint) as row_count,
    batch_id,
    first_loaded_at,
    last_loaded_at,
    unreadable_loaded_at
from {{ source('landing', 'files') }}
