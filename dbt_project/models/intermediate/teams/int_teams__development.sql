-- One row per team and month in which something was done for its agents' development: sessions held and
-- training modules completed, late ones and waived ones too, by the agent's team at that time.
with activities as (

    select
        team_id,
        period_month,
        kind
    from {{ ref('fct_coaching') }}

    union all

    select
        months.team_id,
        months.period_month,
        'training' as kind
    from {{ ref('stg_native__training_assignments') }} as training
    {{ join_local_month('months', 'training.agent_id', 'training.completed_at', kind='inner') }}
    where training.disposition = 'used'

)

select
    team_id,
    period_month,
    sum(case when kind = 'coaching' then 1 else 0 end) as coaching_sessions,
    sum(case when kind = 'one_on_one' then 1 else 0 end) as one_on_ones,
    sum(case when kind = 'development_conversation' then 1 else 0 end)
        as development_conversations,
    sum(case when kind = 'training' then 1 else 0 end) as trainings_completed
from activities
group by team_id, period_month
