{{ config(severity='warn') }}
-- A proposed change that the rules do not answer with a higher band. It is not published (nearest_change
-- stays empty), and a missing hint must not hold back the scores, so it warns only.
select
    agent_id,
    period_month,
    band,
    band_above
from {{ ref('int_bands__nearest_changes') }}
where is_reachable and not is_proven and band not in ('not_rated', 'exceptional')
