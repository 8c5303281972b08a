-- One row per standing plan, metric it sets a target for and stretch of days: the metric by the
-- formulas of the scorecard, over the facts of those days as they are now known. The agent's own
-- value: peers are compared by the month, so the case mix is not adjusted for within a stretch.
with windows as (

    select
        windows.plan_id,
        targets.metric,
        windows.starts_on,
        windows.ends_on,
        windows.agent_id,
        windows.day_count,
        windows.ended_at
    from {{ ref('int_plans__windows') }} as windows
    inner join {{ ref('int_plans__targets') }} as targets on windows.plan_id = targets.plan_id

),

sound_goals as (

    select *
    from {{ ref('stg_native__development_goals') }}
    where disposition in ('used', 'superseded', 'deleted')

),

-- A tombstone names no agent, so who a goal belongs to is asked of its other versions.
goal_owners as (

    select distinct
        goal_id,
        agent_id
    from sound_goals
    where agent_id is not null

),

-- A goal counts by the version that was known when the stretch ended, as for a month at its close.
goal_versions as (

    select
        windows.plan_id,
        windows.starts_on,
        windows.ends_on,
        windows.agent_id as plan_agent_id,
        goals.goal_id,
        goals.agent_id,
        goals.agreed_on,
        goals.due_on,
        goals.status,
        goals._deleted,
        goals.weight,
        cast(
            greatest(
                0,
                least(
                    1,
                    cast(goals.current_value - goals.baseline as double)
                    / cast(goals.target - goals.baseline as double)
                )
            ) as decimal(18, 12)
        ) as progress,
        row_number() over (
            partition by windows.plan_id, windows.starts_on, windows.ends_on, goals.goal_id
            order by goals._loaded_at desc, goals._sequence desc nulls last
        ) as recency
    from windows
    inner join goal_owners as owners on windows.agent_id = owners.agent_id
    inner join sound_goals as goals
        on
            owners.goal_id = goals.goal_id
            and goals._loaded_at < windows.ended_at
    where windows.metric = 'goal_progress'

),

goal_progress as (

    select
        plan_id,
        'goal_progress' as metric,
        starts_on,
        ends_on,
        cast(sum(weight * progress) as decimal(28, 12)) as numerator,
        cast(sum(weight) as decimal(28, 12)) as denominator,
        count(*) as sample_count
    from goal_versions
    where
        recency = 1
        and not coalesce(_deleted, false)
        and agent_id = plan_agent_id
        and status <> 'cancelled'
        and agreed_on <= ends_on
        and due_on >= starts_on
    group by plan_id, starts_on, ends_on

),

summed as (

    select
        windows.plan_id,
        windows.metric,
        windows.starts_on,
        windows.ends_on,
        windows.day_count,
        sum(parts.numerator) as numerator,
        sum(parts.denominator) as denominator,
        sum(parts.sample_count) as sample_count,
        sum(parts.sum_squares) as sum_squares
    from windows
    left join {{ ref('int_plans__daily_parts') }} as parts
        on
            windows.agent_id = parts.agent_id
            and windows.metric = parts.metric
            and parts.local_date >= windows.starts_on
            and parts.local_date <= windows.ends_on
    group by
        windows.plan_id, windows.metric, windows.starts_on, windows.ends_on, windows.day_count

),

measured as (

    select
        summed.plan_id,
        summed.metric,
        summed.starts_on,
        summed.ends_on,
        case summed.metric
            when 'qa_consistency'
                then greatest(
                    0,
                    cast(summed.sum_squares as double)
                    - cast(summed.numerator as double) * cast(summed.numerator as double)
                    / cast(summed.denominator as double)
                )
            when 'goal_progress' then cast(goal_progress.numerator as double)
            else cast(summed.numerator as double)
        end as numerator,
        case summed.metric
            when 'qa_consistency' then cast(summed.denominator - 1 as double)
            when 'contacts_per_productive_hour' then cast(summed.denominator as double) / 3600
            -- Targets are contributions a month; of a stretch of days, in 30 of them.
            when 'kb_contributions' then cast(summed.day_count as double) / 30
            when 'goal_progress' then cast(goal_progress.denominator as double)
            else cast(summed.denominator as double)
        end as denominator,
        case summed.metric
            when 'schedule_adherence'
                then cast(floor(cast(summed.denominator as double) / 3600) as bigint)
            when 'goal_progress' then goal_progress.sample_count
            else cast(summed.sample_count as bigint)
        end as sample_size
    from summed
    left join goal_progress
        on
            summed.plan_id = goal_progress.plan_id
            and summed.metric = goal_progress.metric
            and summed.starts_on = goal_progress.starts_on
            and summed.ends_on = goal_progress.ends_on

),

-- Rounded before the division: a reader who divides the published columns gets the published value.
rounded as (

    select
        plan_id,
        metric,
        starts_on,
        ends_on,
        {{ published('coalesce(numerator, 0)') }} as numerator,
        {{ published('coalesce(denominator, 0)') }} as denominator,
        coalesce(sample_size, 0) as sample_size
    from measured

)

select
    plan_id,
    metric,
    starts_on,
    ends_on,
    numerator,
    denominator,
    sample_size,
    case
        when metric = 'qa_consistency'
            then {{ published('sqrt(' ~ ratio('numerator', 'denominator') ~ ')') }}
        -- As in a month of the scorecard: a rate of a few hours says nothing.
        when metric = 'contacts_per_productive_hour' and denominator < 20 then null
        else {{ rounded_ratio('numerator', 'denominator') }}
    end as value
from rounded
