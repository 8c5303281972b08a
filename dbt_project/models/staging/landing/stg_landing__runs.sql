-- One row: the run that is being built. The only place that says as_of; every model takes it from here.
select
    as_of,
    release_id,
    ticketing_source,
    closed_through,
    restated_month,
    restated_because,
    history_from
from {{ source('landing', 'run') }}
