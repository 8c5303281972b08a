-- One row per agent, team, tier, month and metric: the exact components of the metric from facts of
-- that team and tier.
-- Every roll-up (agent, team, tier, company; month and quarter) is a sum of these parts, so they
-- cannot disagree.
--   numerator, denominator   as in the metric's formula; time in seconds
--   sample_count             what the sample size counts
--   fact_count               facts before those without peers were left out (coverage)
--   sum_squares              of evaluation scores, for the spread
--   observed, expected       outcomes over the facts that have peers, and what the peers' rates
--                            make of the same facts; only where the case mix is adjusted for
--   covered_count            those facts
-- A union takes the narrowest scale of its branches, so each says its own.
with parts as (

    select
        agent_id,
        team_id,
        tier,
        period_month,
        'qa_score' as metric,
        cast(sum(evaluation_score) as decimal(28, 12)) as numerator,
        count(*) as denominator,
        count(*) as sample_count,
        count(*) as fact_count,
        cast(null as decimal(38, 12)) as sum_squares
    from {{ ref('fct_evaluations') }}
    where exclusion is null
    group by agent_id, team_id, tier, period_month

    union all

    select
        agent_id,
        team_id,
        tier,
        period_month,
        'qa_consistency' as metric,
        cast(sum(evaluation_score) as decimal(28, 12)) as numerator,
        count(*) as denominator,
        count(*) as sample_count,
        count(*) as fact_count,
        sum(cast(evaluation_score as decimal(12, 6)) * cast(evaluation_score as decimal(12, 6)))
            as sum_squares
    from {{ ref('fct_evaluations') }}
    where exclusion is null
    group by agent_id, team_id, tier, period_month

    union all

    select
        agent_id,
        team_id,
        tier,
        period_month,
        'critical_error_rate' as metric,
        sum(case when has_critical_error then 1 else 0 end) as numerator,
        count(*) as denominator,
        count(*) as sample_count,
        count(*) as fact_count,
        cast(null as decimal(38, 12)) as sum_squares
    from {{ ref('fct_evaluations') }}
    where exclusion is null
    group by agent_id, team_id, tier, period_month

    union all

    select
        agent_id,
        team_id,
        tier,
        period_month,
        'aht_index' as metric,
        cast(
            sum(case when peer_mean is not null then value_sum else 0 end)
            as decimal(28, 12)
        ) as numerator,
        cast(
            sum(case when peer_mean is not null then fact_count * peer_mean else 0 end)
            as decimal(28, 12)
        ) as denominator,
        sum(case when peer_mean is not null then fact_count else 0 end) as sample_count,
        sum(fact_count) as fact_count,
        cast(null as decimal(38, 12)) as sum_squares
    from {{ ref('int_contacts__expected_handle') }}
    group by agent_id, team_id, tier, period_month

    union all

    select
        agent_id,
        team_id,
        tier,
        period_month,
        'contacts_per_productive_hour' as metric,
        sum(contact_count) as numerator,
        cast(sum(productive_seconds) as decimal(28, 12)) as denominator,
        sum(contact_count) as sample_count,
        sum(contact_count) as fact_count,
        cast(null as decimal(38, 12)) as sum_squares
    from (
        select
            agent_id,
            team_id,
            tier,
            period_month,
            1 as contact_count,
            cast(0 as decimal(18, 6)) as productive_seconds
        from {{ ref('fct_contacts') }}

        union all

        select
            agent_id,
            team_id,
            tier,
            period_month,
            0 as contact_count,
            {{ seconds_of('productive_microseconds') }} as productive_seconds
        from {{ ref('fct_agent_days') }}
    ) as contacts_and_time
    group by agent_id, team_id, tier, period_month

    union all

    select
        agent_id,
        team_id,
        tier,
        period_month,
        'schedule_adherence' as metric,
        cast(sum({{ seconds_of('adherent_microseconds') }}) as decimal(28, 12)) as numerator,
        cast(sum({{ seconds_of('scheduled_microseconds') }}) as decimal(28, 12)) as denominator,
        cast(null as bigint) as sample_count,
        cast(null as bigint) as fact_count,
        cast(null as decimal(38, 12)) as sum_squares
    from {{ ref('fct_agent_days') }}
    where not is_absent
    group by agent_id, team_id, tier, period_month

    union all

    select
        agent_id,
        team_id,
        tier,
        period_month,
        metric,
        sum(value_sum) as numerator,
        sum(fact_count) as denominator,
        sum(fact_count) as sample_count,
        sum(fact_count) as fact_count,
        cast(null as decimal(38, 12)) as sum_squares
    from {{ ref('int_scorecard__case_mix_cells') }}
    group by agent_id, team_id, tier, period_month, metric

    union all

    select
        agent_id,
        team_id,
        tier,
        period_month,
        'training_completion_rate' as metric,
        sum(case when is_completed_in_time then 1 else 0 end) as numerator,
        count(*) as denominator,
        count(*) as sample_count,
        count(*) as fact_count,
        cast(null as decimal(38, 12)) as sum_squares
    from {{ ref('fct_training') }}
    where is_due_day_over and not is_waived and is_scorecard_month
    group by agent_id, team_id, tier, period_month

    union all

    -- A part per spell also without contributions: being employed is what the count is set against.
    select
        spells.agent_id,
        spells.team_id,
        spells.tier,
        spells.period_month,
        'kb_contributions' as metric,
        count(accepted.contribution_id) as numerator,
        1 as denominator,
        count(accepted.contribution_id) as sample_count,
        count(accepted.contribution_id) as fact_count,
        cast(null as decimal(38, 12)) as sum_squares
    from (
        select distinct
            agent_id,
            team_id,
            tier,
            period_month
        from {{ ref('int_assignments__local_months') }}
    ) as spells
    left join {{ ref('fct_kb_contributions') }} as accepted
        on
            spells.agent_id = accepted.agent_id
            and spells.team_id = accepted.team_id
            and spells.tier = accepted.tier
            and spells.period_month = accepted.period_month
            and accepted.is_accepted
    group by spells.agent_id, spells.team_id, spells.tier, spells.period_month

    union all

    select
        agent_id,
        team_id,
        tier,
        period_month,
        'goal_progress' as metric,
        cast(sum(weight * progress) as decimal(28, 12)) as numerator,
        cast(sum(weight) as decimal(28, 12)) as denominator,
        count(*) as sample_count,
        count(*) as fact_count,
        cast(null as decimal(38, 12)) as sum_squares
    from {{ ref('fct_goal_progress') }}
    group by agent_id, team_id, tier, period_month

),

case_mix as (

    select
        agent_id,
        team_id,
        tier,
        period_month,
        metric,
        sum(case when peer_mean is not null then value_sum else 0 end) as observed,
        sum(case when peer_mean is not null then fact_count * peer_mean else 0 end) as expected,
        sum(case when peer_mean is not null then fact_count else 0 end) as covered_count
    from {{ ref('int_scorecard__case_mix_expected') }}
    group by agent_id, team_id, tier, period_month, metric

)

select
    parts.agent_id,
    parts.team_id,
    parts.tier,
    parts.period_month,
    parts.metric,
    cast(parts.numerator as decimal(28, 12)) as numerator,
    cast(parts.denominator as decimal(28, 12)) as denominator,
    cast(parts.sample_count as bigint) as sample_count,
    cast(parts.fact_count as bigint) as fact_count,
    cast(parts.sum_squares as decimal(38, 12)) as sum_squares,
    cast(case_mix.observed as bigint) as observed,
    cast(case_mix.expected as decimal(28, 6)) as expected,
    cast(case_mix.covered_count as bigint) as covered_count
from parts
left join case_mix
    on
        parts.agent_id = case_mix.agent_id
        and parts.team_id = case_mix.team_id
        and parts.tier = case_mix.tier
        and parts.period_month = case_mix.period_month
        and parts.metric = case_mix.metric
