-- One row per raw row that the release before this run set aside.
select
    raw_table,
    sha256,
    cast(raw_row as bigint) as raw_row,
    reason
from {{ source('batch', 'quarantined_rows') }}
