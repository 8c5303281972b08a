-- One row per sound version of a schedule segment whose staged disposition may not hold: used is
-- the version that governs, or the later one that turned the segment into leave; a version
-- published after its own start is out of scope.
with versions as (

    select *
    from {{ ref('stg_native__schedule_segments') }}
    where disposition in ('used', 'superseded')

),

judged as (

    select
        versions.raw_file,
        versions.raw_row,
        versions.disposition = 'used'
        and versions.activity = 'leave'
        and effective.segment_id is not null as is_turned_into_leave,
        versions.raw_file = effective.raw_file and versions.raw_row = effective.raw_row
            as is_governing,
        latest.activity = 'leave' as is_leave_now,
        latest.raw_file = versions.raw_file and latest.raw_row = versions.raw_row as is_latest,
        coalesce(set_aside.is_overlapping, false) as is_overlapping,
        versions.published_at > versions.starts_at as is_published_late
    from versions
    left join {{ ref('int_schedule_segments__effective') }} as effective
        on versions.segment_id = effective.segment_id
    left join versions as latest
        on versions.segment_id = latest.segment_id and latest.disposition = 'used'
    left join {{ ref('int_schedule_segments__overlaps') }} as set_aside
        on versions.segment_id = set_aside.segment_id

)

select
    'schedule_segments' as raw_table,
    raw_file,
    raw_row,
    case
        when is_governing and is_overlapping then 'quarantined:overlap'
        when is_governing and is_leave_now and not is_latest then 'superseded'
        when is_governing or is_turned_into_leave then 'used'
        when is_published_late then 'out_of_scope:not_published_in_time'
        else 'superseded'
    end as disposition
from judged
