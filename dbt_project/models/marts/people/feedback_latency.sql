-- One row per team and period month: how long work waited for its evaluation, and a weak evaluation
-- for coaching.
with summed as (

    select
        team_id,
        period_month,
        count(*) as evaluation_count,
        {{ interpolated_percentile('hours_to_evaluation', 0.5) }} as median_hours_to_evaluation,
        {{ interpolated_percentile('hours_to_evaluation', 0.9) }} as p90_hours_to_evaluation,
        sum(case when needs_coaching then 1 else 0 end) as needing_coaching_count,
        sum(case when coaching_outcome = 'coached' then 1 else 0 end) as coached_count,
        sum(case when coaching_outcome = 'uncoached' then 1 else 0 end) as uncoached_count,
        sum(case when coaching_outcome = 'pending' then 1 else 0 end) as pending_count,
        {{ interpolated_percentile('hours_to_coaching', 0.5) }} as median_hours_to_coaching,
        {{ interpolated_percentile('hours_to_coaching', 0.9) }} as p90_hours_to_coaching
    from {{ ref('int_people__feedback') }}
    group by team_id, period_month

)

select
    team_months.team_id,
    team_months.period_month,
    coalesce(summed.evaluation_count, 0) as evaluation_count,
    {{ published('summed.median_hours_to_evaluation') }} as median_hours_to_evaluation,
    {{ published('summed.p90_hours_to_evaluation') }} as p90_hours_to_evaluation,
    cast(coalesce(summed.needing_coaching_count, 0) as bigint) as needing_coaching_count,
    cast(coalesce(summed.coached_count, 0) as bigint) as coached_count,
    cast(coalesce(summed.uncoached_count, 0) as bigint) as uncoached_count,
    cast(coalesce(summed.pending_count, 0) as bigint) as pending_count,
    {{ published('summed.median_hours_to_coaching') }} as median_hours_to_coaching,
    {{ published('summed.p90_hours_to_coaching') }} as p90_hours_to_coaching,
    team_months.vintage,
    runs.as_of,
    runs.release_id
from {{ ref('dim_team_months') }} as team_months
cross join {{ ref('stg_landing__runs') }} as runs
left join summed
    on
        team_months.team_id = summed.team_id
        and team_months.period_month = summed.period_month
