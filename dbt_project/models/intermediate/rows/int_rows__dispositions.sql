{{ config(**kept_by(['raw_table', 'raw_file', 'raw_row'])) }}
-- One row per landed raw row that is visible at as_of, with its one disposition.
{% set is_partial = is_update() or not execute %}
{#
    Raw tables whose rows are judged by more than the keys that come: by overlaps in time, or by facts of agents and months.
    What such a judgement can bring about is looked up anew each time, wherever it holds now or did so before.
#}
{% set judged_widely = [
    'agent_states', 'schedule_segments', 'qa_evaluations', 'improvement_plans', 'improvement_plan_targets',
    'improvement_plan_check_ins', 'improvement_plan_support',
] %}
{% set tables_judged_widely = "'" ~ judged_widely | join("', '") ~ "'" %}
with {% if is_partial -%}
judged_rows as (

    select
        raw_table,
        raw_file,
        raw_row,
        disposition
    from {{ ref('int_rows__cross_faults') }}

    union all

    select
        raw_table,
        raw_file,
        raw_row,
        disposition
    from {{ this }}
    where raw_table in ({{ tables_judged_widely }})

),

rows_judged_widely as (

    select distinct
        raw_table,
        raw_file,
        raw_row
    from judged_rows
    where
        raw_table in ({{ tables_judged_widely }})
        and (
            disposition in (
                'quarantined:overlap', 'quarantined:overlapping_plan', 'quarantined:orphan'
            )
            or disposition like 'out_of_scope:%'
        )

),

{% endif -%}
staged as (

    {% for table in raw_tables() %}
    {% set key = contract_of(table)['key'][0] if is_partial %}
    select
        '{{ table }}' as raw_table,
        raw_file,
        raw_row,
        _loaded_at,
        fault_column,
        disposition
    from {{ ref('stg_native__' ~ table) }}
    {% if is_partial %}
    where {{ key }} in ({{ touched_keys(table) }})
    union all

    select
        '{{ table }}' as raw_table,
        raw_file,
        raw_row,
        _loaded_at,
        fault_column,
        disposition
    from {{ ref('stg_native__' ~ table) }}
    where {{ key }} is null
    {% if table in judged_widely %}
    union all

    select
        '{{ table }}' as raw_table,
        rows_of_table.raw_file,
        rows_of_table.raw_row,
        rows_of_table._loaded_at,
        rows_of_table.fault_column,
        rows_of_table.disposition
    from {{ ref('stg_native__' ~ table) }} as rows_of_table
    inner join rows_judged_widely
        on
            rows_judged_widely.raw_table = '{{ table }}'
            and rows_of_table.raw_file = rows_judged_widely.raw_file
            and rows_of_table.raw_row = rows_judged_widely.raw_row
    where rows_of_table.{{ key }} not in ({{ touched_keys(table) }})
    {% endif %}
    {% endif %}
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
