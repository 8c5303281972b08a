-- One row per raw table with rows new to this run: how many of them are set aside, and how many may
-- be. Over the budget the batch is refused: so many faults are one of the feed, not of single rows.
-- An orphan of a row that is set aside itself is no fault of its own and does not count.
{% set parents = {
    'ticket_events': ('tickets', 'ticket_id'),
    'interactions': ('tickets', 'ticket_id'),
    'qa_evaluations': ('tickets', 'ticket_id'),
    'surveys': ('tickets', 'ticket_id'),
    'qa_criterion_scores': ('qa_evaluations', 'evaluation_id'),
    'improvement_plan_targets': ('improvement_plans', 'plan_id'),
    'improvement_plan_check_ins': ('improvement_plans', 'plan_id'),
    'improvement_plan_support': ('improvement_plans', 'plan_id'),
} %}
with batch_files as (

    select
        raw_table,
        raw_file
    from {{ ref('stg_batch__files') }}
    where is_new

),

batch_sizes as (

    select
        files.raw_table,
        cast(sum(files.row_count) as bigint) as batch_rows
    from {{ ref('stg_landing__files') }} as files
    inner join batch_files
        on files.raw_table = batch_files.raw_table and files.raw_file = batch_files.raw_file
    group by files.raw_table

),

quarantined as (

    select
        raw_table,
        raw_file,
        raw_row,
        reason
    from {{ ref('int_rows__quarantined') }}

),

set_aside as (

    select
        quarantined.raw_table,
        quarantined.raw_file,
        quarantined.raw_row,
        quarantined.reason
    from quarantined
    inner join batch_files
        on
            quarantined.raw_table = batch_files.raw_table
            and quarantined.raw_file = batch_files.raw_file

),

orphans_of_set_aside as (

    {% for child, (parent, key) in parents.items() %}
    select distinct
        '{{ child }}' as raw_table,
        orphans.raw_file,
        orphans.raw_row
    from set_aside as orphans
    inner join {{ ref('stg_native__' ~ child) }} as children
        on orphans.raw_file = children.raw_file and orphans.raw_row = children.raw_row
    inner join {{ ref('stg_native__' ~ parent) }} as parents
        on children.{{ key }} = parents.{{ key }}
    inner join quarantined as faulty_parents
        on parents.raw_file = faulty_parents.raw_file and parents.raw_row = faulty_parents.raw_row
    where
        orphans.raw_table = '{{ child }}'
        and orphans.reason = 'orphan'
        and faulty_parents.raw_table = '{{ parent }}'
    {{ 'union all' if not loop.last }}
    {% endfor %}

),

counted as (

    select
        set_aside.raw_table,
        count(*) as set_aside_rows,
        count(case when exempt.raw_row is null then 1 end) as counted_rows
    from set_aside
    left join orphans_of_set_aside as exempt
        on
            set_aside.raw_table = exempt.raw_table
            and set_aside.raw_file = exempt.raw_file
            and set_aside.raw_row = exempt.raw_row
    group by set_aside.raw_table

),

budgets as (

    select
        batch_sizes.raw_table,
        batch_sizes.batch_rows,
        coalesce(counted.set_aside_rows, 0) as set_aside_rows,
        coalesce(counted.counted_rows, 0) as counted_rows,
        case
            when batch_sizes.raw_table in ('agents', 'agent_assignments', 'teams') then 0
            else
                greatest(
                    {{ var('quarantine_budget_rows') }},
                    cast(
                        floor(batch_sizes.batch_rows * {{ var('quarantine_budget_percent') }} / 100)
                        as bigint
                    )
                )
        end as allowed_rows
    from batch_sizes
    left join counted on batch_sizes.raw_table = counted.raw_table

)

select
    raw_table,
    batch_rows,
    set_aside_rows,
    counted_rows,
    allowed_rows,
    counted_rows <= allowed_rows as is_within
from budgets
