-- One row per quarantined raw row: where it stands in which file, and why. The raw files are kept,
-- so file and row number find the row as it came; no cell is copied here.
select
    raw_table,
    raw_file,
    raw_row,
    substr(disposition, length('quarantined:') + 1) as reason,
    fault_column,
    loaded_month
from {{ ref('int_rows__dispositions') }}
where disposition like 'quarantined:%'
