-- One row per raw table that holds rows loaded after as_of: they are in the files but in nothing else yet.
with later_files as (

    select
        files.raw_table,
        files.raw_file
    from {{ ref('stg_landing__files') }} as files
    cross join {{ ref('stg_landing__runs') }} as runs
    where files.last_loaded_at > runs.as_of

),

later_rows as (

    {% for table in raw_tables() %}
    select
        '{{ table }}' as raw_table,
        {{ read_instant(cleaned_cell('landed._loaded_at')) }} as loaded_at
    from {{ source('raw', table) }} as landed
    inner join later_files
        on later_files.raw_table = '{{ table }}' and landed._file = later_files.raw_file
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
    {% endif %}

)

select
    later_rows.raw_table,
    count(*) as row_count
from later_rows
cross join {{ ref('stg_landing__runs') }} as runs
where later_rows.loaded_at > runs.as_of
group by later_rows.raw_table
