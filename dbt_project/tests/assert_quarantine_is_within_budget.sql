-- Single rows may be set aside; so many that they are a fault of the feed refuse the batch. The run
-- tells each table with its reasons and the first file and row of each.
select
    raw_table,
    batch_rows,
    counted_rows,
    allowed_rows
from {{ ref('int_release__budgets') }}
where not is_within
