-- Every model takes as_of by a cross join with the run table: no row would empty every mart, two
-- would double it.
select count(*) as run_count
from {{ ref('stg_landing__runs') }}
having count(*) <> 1 or count(as_of) <> 1 or count(release_id) <> 1
