-- One row per contact-handling segment in force and UTC date, clipped at as_of.
with spells as (

    select
        segments.agent_id,
        segments.starts_at,
        least(segments.ends_at, runs.as_of) as ends_at
    from {{ ref('int_schedule_segments__effective') }} as segments
    left join {{ ref('int_schedule_segments__overlaps') }} as set_aside
        on segments.segment_id = set_aside.segment_id
    cross join {{ ref('stg_landing__runs') }} as runs
    where
        segments.activity = 'contact_handling'
        and not coalesce(set_aside.is_overlapping, false)
        and segments.starts_at < runs.as_of
        and {{ in_view('segments.ends_at', 'runs') }}

)

{{ utc_day_pieces('spells', ['agent_id']) }}
