-- One row per improvement plan that overlaps another of the same agent: the one opened later is set
-- aside. A plan that is opened on the day another ends follows it.
{% set plans %}
(
    select
        plan_id,
        agent_id,
        cast(opened_on as timestamp) as starts_at,
        cast(coalesce(closed_on, planned_end_on) as timestamp) as ends_at,
        cast(opened_on as timestamp) as first_loaded_at
    from {{ ref('stg_native__improvement_plans') }}
    where disposition = 'used'
) as plans
{% endset %}
{{ overlap_faults(plans, 'plan_id') }}
