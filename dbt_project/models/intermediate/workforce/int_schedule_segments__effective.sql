-- One row per schedule segment with a governing version: the latest published at or before its own
-- start. A later edit counts only where it turns the segment into leave or deletes it; nobody's
-- adherence is rewritten after the fact.
with versions as (

    select *
    from {{ ref('stg_native__schedule_segments') }}
    where disposition in ('used', 'superseded', 'deleted')

),

governing as (

    select
        *,
        row_number() over (
            partition by segment_id
            order by published_at desc, _loaded_at desc, _sequence desc nulls last
        ) as recency
    from versions
    where not _deleted and published_at <= starts_at

),

latest as (

    select *
    from versions
    where disposition in ('used', 'deleted')

)

select
    governing.segment_id,
    governing.agent_id,
    governing.starts_at,
    governing.ends_at,
    case when latest.activity = 'leave' then 'leave' else governing.activity end as activity,
    governing.first_loaded_at,
    governing.raw_file,
    governing.raw_row
from governing
inner join latest on governing.segment_id = latest.segment_id
where governing.recency = 1 and latest.disposition = 'used'
