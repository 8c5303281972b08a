-- One row per landed raw row that is visible at as_of, with its one disposition.
with staged as (

    {% for table in raw_tables() %}
    select
        '{{ table }}' as raw_table,
        raw_file,
        raw_row,
        _loaded_at,
        fault_column,
        disposition
    from {{ ref('stg_native__' ~ table) }}
    {{ 'union all' if not loop.last }}
    {% endfor %}
    {% if ticketing_source() == 'servicenow' %}
    union all

    select
        'servicenow_incident_event_log' as raw_table,
        raw_file,
        raw_row,
        _loaded_at,
        fault_column,
        disposition
    from {{ ref('stg_servicenow__incident_updates') }}
    {% endif %}

)

select
    staged.raw_table,
    staged.raw_file,
    staged.raw_row,
    {{ month_of('staged._loaded_at') }} as loaded_month,
    coalesce(cross_faults.disposition, staged.disposition) as disposition,
    staged.fault_column
from staged
left join {{ ref('int_rows__cross_faults') }} as cross_faults
    on
        staged.raw_table = cross_faults.raw_table
        and staged.raw_file = cross_faults.raw_file
        and staged.raw_row = cross_faults.raw_row
