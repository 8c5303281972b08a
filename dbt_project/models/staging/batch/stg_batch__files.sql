-- One row per landed raw file, and whether its rows belong to the batch of this run.
select
    raw_table,
    raw_file,
    is_new
from {{ source('batch', 'files') }}
