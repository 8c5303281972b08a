{{ config(meta={"dagster": {"ref": {"name": "high_performer_watch"}}}) }}
-- Who is strong or exceptional in a month stands in the watch of that month, and nobody else.
select
    coalesce(bands.agent_id, watched.agent_id) as agent_id,
    coalesce(bands.period_month, watched.period_month) as period_month,
    bands.band,
    watched.band as watched_band
from (
    select
        agent_id,
        period_month,
        band
    from {{ ref('performance_bands') }}
    where band in ('exceptional', 'strong')
) as bands
full outer join {{ ref('high_performer_watch') }} as watched
    on bands.agent_id = watched.agent_id and bands.period_month = watched.period_month
where bands.band is null or watched.band is null or bands.band <> watched.band
