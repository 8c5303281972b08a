{{ config(**kept_by('segment_id', touched='schedule_segments')) }}
-- One row per schedule segment with a governing version: the latest published at or before its own
-- start. A later edit counts only where it turns the segment into leave or deletes it, and no edit
-- after that takes it back: nobody's adherence is rewritten after the fact.
with versions as (

    select *
    from {{ ref('stg_native__schedule_segments') }}
    where
        disposition in ('used', 'superseded', 'deleted')
        {{ and_touched('segment_id', 'schedule_segments') }}

),

ranked as (

    select
        *,
        row_number() over (
            partition by segment_id
            order by published_at desc, _loaded_at desc, _sequence desc nulls last
        ) as recency
    from versions
    where not _deleted and published_at <= starts_at

),

governing as (

    select *
    from ranked
    where recency = 1

),

later_edits as (

    select
        versions.segment_id,
        versions._deleted as is_deletion,
        versions.raw_file,
        versions.raw_row,
        row_number() over (
            partition by versions.segment_id
            order by
                versions._deleted desc,
                versions._loaded_at asc,
                versions._sequence asc nulls first
        ) as edit_number
    from versions
    inner join governing on versions.segment_id = governing.segment_id
    where
        (
            versions._loaded_at > governing._loaded_at
            or (
                versions._loaded_at = governing._loaded_at
                and coalesce(versions._sequence, -1) > coalesce(governing._sequence, -1)
            )
        )
        and (
            versions._deleted
            -- Leave that was published before the governing version had been taken back in time.
            or (
                versions.activity = 'leave'
                and governing.activity <> 'leave'
                and versions.published_at >= governing.published_at
            )
        )

)

select
    governing.segment_id,
    governing.agent_id,
    governing.starts_at,
    governing.ends_at,
    case when later_edits.segment_id is not null then 'leave' else governing.activity end
        as activity,
    governing.first_loaded_at,
    governing.raw_file,
    governing.raw_row,
    later_edits.raw_file as leave_raw_file,
    later_edits.raw_row as leave_raw_row
from governing
left join later_edits
    on governing.segment_id = later_edits.segment_id and later_edits.edit_number = 1
where not coalesce(later_edits.is_deletion, false)
