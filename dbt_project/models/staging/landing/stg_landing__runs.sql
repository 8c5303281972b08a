-- One row: the run that is being built. The only place that says as_of; every model takes it from here.
select
    as_of,
    release_id,
    ticketing_source
from {{ source('landing', 'run') }}
