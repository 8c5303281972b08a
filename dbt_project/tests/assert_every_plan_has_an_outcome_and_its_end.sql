{{ config(meta={"dagster": {"ref": {"name": "improvement_plan_outcomes"}}}) }}
-- Every plan row in use has one outcome, and every target in use of such a plan a row at the plan's end
-- and one for each of its check-ins. A row set aside has none of them.
with used as (

    select
        'plan' as kind,
        dispositions.raw_file,
        dispositions.raw_row,
        plans.plan_id,
        cast(null as {{ dbt.type_string() }}) as metric
    from {{ ref('int_rows__dispositions') }} as dispositions
    inner join {{ ref('stg_native__improvement_plans') }} as plans
        on
            dispositions.raw_file = plans.raw_file
            and dispositions.raw_row = plans.raw_row
    where
        dispositions.raw_table = 'improvement_plans' and dispositions.disposition = 'used'

    union all

    select
        'target' as kind,
        dispositions.raw_file,
        dispositions.raw_row,
        targets.plan_id,
        targets.metric
    from {{ ref('int_rows__dispositions') }} as dispositions
    inner join {{ ref('stg_native__improvement_plan_targets') }} as targets
        on
            dispositions.raw_file = targets.raw_file
            and dispositions.raw_row = targets.raw_row
    inner join {{ ref('int_plans__plans') }} as plans on targets.plan_id = plans.plan_id
    where
        dispositions.raw_table = 'improvement_plan_targets' and dispositions.disposition = 'used'

),

check_ins as (

    select
        plan_id,
        count(*) as expected_rows
    from {{ ref('int_plans__assessments') }}
    group by plan_id

),

published as (

    select
        'plan' as kind,
        plan_id,
        cast(null as {{ dbt.type_string() }}) as metric,
        count(*) as row_count
    from {{ ref('improvement_plan_outcomes') }}
    group by plan_id

    union all

    select
        'target' as kind,
        plan_id,
        metric,
        count(*) as row_count
    from {{ ref('improvement_plan_progress') }}
    group by plan_id, metric

)

select
    coalesce(used.kind, published.kind) as kind,
    coalesce(used.plan_id, published.plan_id) as plan_id,
    coalesce(used.metric, published.metric) as metric,
    published.row_count
from used
full outer join published
    on
        used.kind = published.kind
        and used.plan_id = published.plan_id
        and coalesce(used.metric, '') = coalesce(published.metric, '')
left join check_ins on used.plan_id = check_ins.plan_id
where
    used.plan_id is null
    or published.plan_id is null
    or published.row_count <> case when used.kind = 'plan' then 1 else check_ins.expected_rows end
