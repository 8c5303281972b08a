-- One row per agent, closed month, metric and vintage: the figure as it was published then, and why it
-- differs from the one known. Vintage 1 is what was published first; restatements follow.
with runs as (

    select * from {{ ref('stg_landing__runs') }}

),

earlier_scorecards as (

    select * from {{ ref('stg_landing__vintage_scorecards') }}

),

earlier_figures as (

    select * from {{ ref('stg_landing__vintage_figures') }}

),

last_numbers as (

    select
        period_month,
        max(vintage_number) as vintage_number
    from earlier_scorecards
    group by period_month

),

months as (

    select
        agent_id,
        period_month
    from {{ ref('dim_agent_months') }}
    where is_built and vintage <> 'provisional'

),

figures as (

    select
        metrics.agent_id,
        metrics.period_month,
        metrics.metric,
        coalesce(last_numbers.vintage_number, 0) + 1 as vintage_number,
        metrics.numerator,
        metrics.denominator,
        metrics.sample_size,
        metrics.value,
        metrics.target,
        metrics.weight,
        metrics.points,
        scorecards.overall_score,
        bands.band,
        metrics.vintage
    from {{ ref('agent_scorecard_metrics') }} as metrics
    inner join months
        on metrics.agent_id = months.agent_id and metrics.period_month = months.period_month
    inner join {{ ref('agent_scorecard') }} as scorecards
        on
            metrics.agent_id = scorecards.agent_id
            and metrics.period_month = scorecards.period_month
            and scorecards.{{ adapter.quote('window') }} = 'month'
    left join {{ ref('performance_bands') }} as bands
        on metrics.agent_id = bands.agent_id and metrics.period_month = bands.period_month
    left join last_numbers on metrics.period_month = last_numbers.period_month
    where metrics.{{ adapter.quote('window') }} = 'month'

),

compared as (

    select
        figures.*,
        figures.vintage_number > 1 as is_restated,
        {{ differs('figures.numerator', 'known.numerator') }}
        or {{ differs('figures.denominator', 'known.denominator') }} as has_other_facts,
        {{ differs('figures.target', 'known.target') }}
        or {{ differs('figures.weight', 'known.weight') }} as has_other_targets,
        not {{ differs('figures.value', 'known.value') }}
        and not {{ differs('figures.points', 'known.points') }}
        and not {{ differs('figures.band', 'earlier_scorecards.band') }} as is_unchanged
    from figures
    left join earlier_figures as known
        on
            figures.agent_id = known.agent_id
            and figures.period_month = known.period_month
            and figures.metric = known.metric
            and figures.vintage_number = known.vintage_number + 1
    left join earlier_scorecards
        on
            figures.agent_id = earlier_scorecards.agent_id
            and figures.period_month = earlier_scorecards.period_month
            and figures.vintage_number = earlier_scorecards.vintage_number + 1

),

-- The agent's own rows explain a figure whose facts changed; what moved through peers and the team is
-- explained by all rows of the month.
published_now as (

    select
        compared.agent_id,
        compared.period_month,
        compared.metric,
        compared.vintage_number,
        compared.numerator,
        compared.denominator,
        compared.sample_size,
        compared.value,
        compared.target,
        compared.weight,
        compared.points,
        compared.overall_score,
        compared.band,
        case
            when not compared.is_restated or compared.is_unchanged then null
            when compared.has_other_facts
                then coalesce(own_causes.causes, all_causes.causes, 'config')
            when compared.has_other_targets then 'config'
            else coalesce(all_causes.causes, any_causes.causes, 'config')
        end as change_reason,
        case when compared.is_restated then runs.restated_because end as restated_because,
        runs.as_of as published_as_of,
        runs.release_id as published_by,
        compared.vintage
    from compared
    cross join runs
    left join {{ ref('int_vintages__causes') }} as own_causes
        on compared.metric = own_causes.metric and compared.agent_id = own_causes.agent_id
    left join {{ ref('int_vintages__causes') }} as all_causes
        on compared.metric = all_causes.metric and all_causes.agent_id is null
    left join {{ ref('int_vintages__causes') }} as any_causes on any_causes.metric is null

),

-- A month that is restated now brings its earlier vintages along; those of other closed months stand in
-- the month as published.
published_before as (

    select
        earlier_figures.agent_id,
        earlier_figures.period_month,
        earlier_figures.metric,
        earlier_figures.vintage_number,
        earlier_figures.numerator,
        earlier_figures.denominator,
        earlier_figures.sample_size,
        earlier_figures.value,
        earlier_figures.target,
        earlier_figures.weight,
        earlier_figures.points,
        earlier_scorecards.overall_score,
        earlier_scorecards.band,
        earlier_figures.change_reason,
        earlier_scorecards.restated_because,
        earlier_scorecards.vintage_as_of as published_as_of,
        earlier_scorecards.vintage_release_id as published_by,
        earlier_scorecards.vintage
    from earlier_figures
    inner join earlier_scorecards
        on
            earlier_figures.agent_id = earlier_scorecards.agent_id
            and earlier_figures.period_month = earlier_scorecards.period_month
            and earlier_figures.vintage_number = earlier_scorecards.vintage_number
    inner join runs on earlier_figures.period_month = runs.restated_month

),

vintages as (

    select * from published_now

    union all

    select * from published_before

)

select
    vintages.agent_id,
    vintages.period_month,
    vintages.metric,
    cast(vintages.vintage_number as bigint) as vintage_number,
    vintages.numerator,
    vintages.denominator,
    vintages.sample_size,
    vintages.value,
    vintages.target,
    vintages.weight,
    vintages.points,
    vintages.overall_score,
    vintages.band,
    vintages.change_reason,
    vintages.restated_because,
    vintages.published_as_of,
    vintages.published_by,
    vintages.vintage,
    runs.as_of,
    runs.release_id
from vintages
cross join runs
