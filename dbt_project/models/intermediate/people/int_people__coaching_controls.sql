-- One row per coaching session and matched control: up to three agents of the tier who were not
-- coached on the metric, with the level before the session nearest to the coached agent's; ties by
-- agent_id. The nearest stand side by side when the candidates are sorted by level, so three from
-- either side are enough to choose from; every session against every candidate would not fit a
-- large company.
{% set controls = 3 %}
with changes as (

    select * from {{ ref('int_people__coaching_changes') }}

),

coached as (

    select
        sessions.session_id,
        sessions.focus_metric,
        sessions.held_on,
        sessions.tier,
        changes.before_value
    from {{ ref('int_people__coaching_sessions') }} as sessions
    inner join changes
        on
            sessions.agent_id = changes.agent_id
            and sessions.focus_metric = changes.focus_metric
            and sessions.held_on = changes.held_on
    where sessions.is_over

),

candidates as (

    select
        *,
        row_number() over (
            partition by focus_metric, held_on, tier order by before_value asc, agent_id asc
        ) as place_from_below,
        row_number() over (
            partition by focus_metric, held_on, tier order by before_value desc, agent_id asc
        ) as place_from_above,
        count(*) over (partition by focus_metric, held_on, tier) as candidate_count
    from changes
    where not is_coached

),

lined_up as (

    select
        session_id,
        focus_metric,
        held_on,
        tier,
        before_value,
        0 as is_candidate
    from coached

    union all

    select
        cast(null as {{ dbt.type_string() }}) as session_id,
        focus_metric,
        held_on,
        tier,
        before_value,
        1 as is_candidate
    from candidates

),

-- At equal levels the coached come first: counted are the candidates strictly below.
counted as (

    select
        *,
        sum(is_candidate) over (
            partition by focus_metric, held_on, tier
            order by before_value asc, is_candidate asc
            rows between unbounded preceding and current row
        ) as below_count
    from lined_up

),

slots as (

    {% for slot in range(1, controls + 1) %}
    select {{ slot }} as slot
    {{ 'union all' if not loop.last }}
    {% endfor %}

),

neighbours as (

    select
        counted.session_id,
        counted.before_value as own_before_value,
        candidates.agent_id,
        candidates.before_value,
        candidates.change,
        candidates.change_variance
    from counted
    cross join slots
    inner join candidates
        on
            counted.focus_metric = candidates.focus_metric
            and counted.held_on = candidates.held_on
            and counted.tier = candidates.tier
            and counted.below_count + slots.slot = candidates.place_from_below
    where counted.is_candidate = 0

    union all

    select
        counted.session_id,
        counted.before_value as own_before_value,
        candidates.agent_id,
        candidates.before_value,
        candidates.change,
        candidates.change_variance
    from counted
    cross join slots
    inner join candidates
        on
            counted.focus_metric = candidates.focus_metric
            and counted.held_on = candidates.held_on
            and counted.tier = candidates.tier
            and candidates.candidate_count - counted.below_count + slots.slot
            = candidates.place_from_above
    where counted.is_candidate = 0

),

ranked as (

    select
        session_id,
        agent_id,
        before_value,
        change,
        change_variance,
        row_number() over (
            partition by session_id
            order by {{ published('abs(before_value - own_before_value)') }} asc, agent_id asc
        ) as control_rank
    from neighbours

)

select
    session_id,
    control_rank,
    agent_id,
    before_value,
    change,
    change_variance
from ranked
where control_rank <= {{ controls }}
