{{ config(**kept_by('raw_table', touched='all')) }}
-- One row per raw table that holds rows loaded after as_of: they are in the files but in nothing else yet.
-- Of files with rows on both sides of as_of the rows are counted; an update has them among those to
-- be read.
with later_files as (

    select
        files.raw_table,
        files.raw_file,
        files.first_loaded_at > runs.as_of as is_wholly_later,
        files.row_count - files.unreadable_loaded_at as readable_count
    from {{ ref('stg_landing__files') }} as files
    cross join {{ ref('stg_landing__runs') }} as runs
    where files.last_loaded_at > runs.as_of

),

later_rows as (

    {% for table in raw_tables() %}
    select
        '{{ table }}' as raw_table,
        {{ read_instant(cleaned_cell('landed._loaded_at')) }} as loaded_at
    from {{ landed_rows(table) }} as landed
    inner join later_files
        on
            later_files.raw_table = '{{ table }}'
            and landed._file = later_files.raw_file
            and not later_files.is_wholly_later
    {{ 'union all' if not loop.last }}
    {% endfor %}
    {% if ticketing_source() == 'servicenow' %}
    union all

    select
        later_files.raw_table,
        {{ read_day_first_instant(cleaned_cell('landed.sys_updated_at')) }} as loaded_at
    from {{ source('servicenow', 'servicenow_incident_event_log') }} as landed
    inner join later_files
        on
            later_files.raw_table = 'servicenow_incident_event_log'
            and landed._file = later_files.raw_file
            and not later_files.is_wholly_later
    {% endif %}

),

counted as (

    select
        later_rows.raw_table,
        count(*) as row_count
    from later_rows
    cross join {{ ref('stg_landing__runs') }} as runs
    where later_rows.loaded_at > runs.as_of
    group by later_rows.raw_table

    union all

    select
        raw_table,
        sum(readable_count) as row_count
    from later_files
    where is_wholly_later
    group by raw_table

)

select
    raw_table,
    cast(sum(row_count) as bigint) as row_count
from counted
group by raw_table
