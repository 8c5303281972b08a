-- One row: the run that is being built. The only place that says as_of; every model takes it from here.
select
    as_of,
    release_id,
    ticketing_source,
    closed_through,
    restated_month,
    restated_because,
    history_from,
    -- Facts before it bear on no day that is built: repeats are counted from a week before, and local
    -- days begin up to one before their UTC date.
    cast(
        {{ add_days('history_from', -(var('repeat_window_days') | int + 2)) }} as timestamp
    ) as facts_from
from {{ source('landing', 'run') }}
