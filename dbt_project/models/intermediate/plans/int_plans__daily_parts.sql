-- One row per agent with a plan, local day and metric with facts: the components of the metric on the day
-- that dates its facts, in the calendar of the team they are credited to. Days can be added up to any
-- stretch, which months cannot. goal_progress has no days: int_plans__window_values.
--   numerator, denominator   as in int_scorecard__metric_parts; kb_contributions has no denominator
--   sample_count             what the sample size counts; null for schedule_adherence: its hours
--   sum_squares              of evaluation scores, for the spread
with agents as (

    select distinct agent_id from {{ ref('int_plans__plans') }}

),

dated as (

    select facts.*
    from {{ ref('int_people__dated_facts') }} as facts
    inner join agents on facts.agent_id = agents.agent_id

),

contributions as (

    select
        contributions.agent_id,
        cast({{ utc_to_local('contributions.occurred_at', 'teams.timezone') }} as date) as local_date
    from {{ ref('fct_kb_contributions') }} as contributions
    inner join agents on contributions.agent_id = agents.agent_id
    inner join {{ ref('dim_teams') }} as teams on contributions.team_id = teams.team_id
    where contributions.is_accepted

)

-- A union takes the narrowest scale of its branches, so each says its own.
select
    agent_id,
    local_date,
    metric,
    cast(value_sum as decimal(28, 12)) as numerator,
    cast(base_sum as decimal(28, 12)) as denominator,
    cast(
        case metric
            when 'schedule_adherence' then null
            when 'contacts_per_productive_hour' then value_sum
            else fact_count
        end as bigint
    ) as sample_count,
    cast(null as decimal(38, 12)) as sum_squares
from dated

union all

select
    agent_id,
    local_date,
    'qa_consistency' as metric,
    cast(value_sum as decimal(28, 12)) as numerator,
    cast(base_sum as decimal(28, 12)) as denominator,
    fact_count as sample_count,
    cast(value_squares as decimal(38, 12)) as sum_squares
from dated
where metric = 'qa_score'

union all

select
    training.agent_id,
    training.due_on as local_date,
    'training_completion_rate' as metric,
    cast(sum(case when training.is_completed_in_time then 1 else 0 end) as decimal(28, 12))
        as numerator,
    cast(count(*) as decimal(28, 12)) as denominator,
    count(*) as sample_count,
    cast(null as decimal(38, 12)) as sum_squares
from {{ ref('fct_training') }} as training
inner join agents on training.agent_id = agents.agent_id
where training.is_due_day_over and not training.is_waived and training.is_scorecard_month
group by training.agent_id, training.due_on

union all

select
    agent_id,
    local_date,
    'kb_contributions' as metric,
    cast(count(*) as decimal(28, 12)) as numerator,
    cast(0 as decimal(28, 12)) as denominator,
    count(*) as sample_count,
    cast(null as decimal(38, 12)) as sum_squares
from contributions
group by agent_id, local_date
