-- One row per sound version of a schedule segment whose staged disposition does not hold: it is the governing version that is
-- used, not the latest, and a segment that nobody saw in time is out of scope.
select
    'schedule_segments' as raw_table,
    versions.raw_file,
    versions.raw_row,
    case
        when set_aside.is_overlapping and governing.raw_row is not null then 'quarantined:overlap'
        when governing.raw_row is not null then 'used'
        when effective.segment_id is null and versions.disposition = 'used'
            then 'out_of_scope:not_published_in_time'
        else 'superseded'
    end as disposition
from {{ ref('stg_native__schedule_segments') }} as versions
left join {{ ref('int_schedule_segments__effective') }} as effective
    on versions.segment_id = effective.segment_id
left join {{ ref('int_schedule_segments__effective') }} as governing
    on
        versions.segment_id = governing.segment_id
        and versions.raw_file = governing.raw_file
        and versions.raw_row = governing.raw_row
left join {{ ref('int_schedule_segments__overlaps') }} as set_aside
    on versions.segment_id = set_aside.segment_id
where versions.disposition in ('used', 'superseded')
