{{ config(**kept_by('segment_id', touched='schedule_segments')) }}
-- One row per sound version of a schedule segment whose staged disposition may not hold: used is the
-- version that governs, or the later one that turned the segment into leave; another version
-- published after its own start is out of scope.
with judged as (

    select
        versions.segment_id,
        versions.raw_file,
        versions.raw_row,
        versions.raw_file = effective.raw_file and versions.raw_row = effective.raw_row
            as is_governing,
        versions.raw_file = effective.leave_raw_file and versions.raw_row = effective.leave_raw_row
            as is_turning_into_leave,
        effective.leave_raw_row is not null as is_turned_into_leave,
        coalesce(set_aside.is_overlapping, false) as is_overlapping,
        versions.published_at > versions.starts_at as is_published_late
    from {{ ref('stg_native__schedule_segments') }} as versions
    left join {{ ref('int_schedule_segments__effective') }} as effective
        on versions.segment_id = effective.segment_id
    left join {{ ref('int_schedule_segments__overlaps') }} as set_aside
        on versions.segment_id = set_aside.segment_id
    where
        versions.disposition in ('used', 'superseded')
        {%- if is_update() or not execute %}
        -- Beside the touched ones, all that an overlap sets aside now or did so before.
        and versions.segment_id in (
            {{ touched_keys('schedule_segments') }}
            union all
            select decided.segment_id from {{ ref('int_schedule_segments__overlaps') }} as decided
            where decided.is_overlapping
            union all
            select kept.segment_id from {{ this }} as kept
            where kept.disposition = 'quarantined:overlap'
        )
        {%- endif %}

)

select
    segment_id,
    'schedule_segments' as raw_table,
    raw_file,
    raw_row,
    case
        when is_governing and is_overlapping then 'quarantined:overlap'
        when is_governing and is_turned_into_leave then 'superseded'
        when is_governing or is_turning_into_leave then 'used'
        when is_published_late then 'out_of_scope:not_published_in_time'
        else 'superseded'
    end as disposition
from judged
