-- One row per agent and month that has ended: the band, how it was decided and how it moved. Advice for
-- people, who decide.
with decisions as (

    select * from {{ ref('int_bands__decisions') }}

),

evidence as (

    select * from {{ ref('int_bands__evidence') }}

),

history as (

    select * from {{ ref('int_bands__band_history') }}

),

-- Months of one band in a row share the difference between calendar month and running number.
stretches as (

    select
        agent_id,
        period_month,
        band,
        {{ months_between_firsts("date '2000-01-01'", 'period_month') }}
        - row_number() over (partition by agent_id, band order by period_month) as stretch
    from history

),

lengths as (

    select
        agent_id,
        period_month,
        row_number() over (partition by agent_id, band, stretch order by period_month)
            as months_in_band
    from stretches

),

-- The band is as sure as the less sure of the two metrics it compares most.
confidences as (

    select
        agent_id,
        period_month,
        case
            when count(case when confidence in ('band_grade', 'indicative') then 1 end) < 2
                then 'insufficient'
            when count(case when confidence = 'band_grade' then 1 end) = 2 then 'band_grade'
            else 'indicative'
        end as confidence
    from evidence
    where metric in ('qa_score', 'csat')
    group by agent_id, period_month

),

named_flags as (

    select
        agent_id,
        period_month,
        flag
    from evidence
    where flag is not null

    union

    select
        agent_id,
        period_month,
        'critical_error_watch' as flag
    from decisions
    where is_watched and not is_gated and not is_not_rated

),

flags as (

    select
        agent_id,
        period_month,
        replace({{ listing('flag') }}, ', ', ';') as flags
    from named_flags
    group by agent_id, period_month

)

select
    decisions.agent_id,
    decisions.period_month,
    subjects.team_id,
    subjects.tier,
    decisions.band,
    previous.band as previous_band,
    cast(lengths.months_in_band as bigint) as months_in_band,
    courses.trajectory,
    courses.slope,
    courses.mann_kendall_p,
    coalesce(confidences.confidence, 'insufficient') as confidence,
    decisions.deciding_rule,
    flags.flags,
    explanations.explanation,
    changes.nearest_change,
    subjects.scorecard_version,
    subjects.vintage,
    runs.as_of,
    runs.release_id
from decisions
cross join {{ ref('stg_landing__runs') }} as runs
inner join {{ ref('int_bands__subjects') }} as subjects
    on decisions.agent_id = subjects.agent_id and decisions.period_month = subjects.period_month
inner join {{ ref('int_bands__courses') }} as courses
    on decisions.agent_id = courses.agent_id and decisions.period_month = courses.period_month
inner join {{ ref('int_bands__explanations') }} as explanations
    on
        decisions.agent_id = explanations.agent_id
        and decisions.period_month = explanations.period_month
inner join {{ ref('int_bands__nearest_changes') }} as changes
    on decisions.agent_id = changes.agent_id and decisions.period_month = changes.period_month
inner join lengths
    on decisions.agent_id = lengths.agent_id and decisions.period_month = lengths.period_month
left join history as previous
    on
        decisions.agent_id = previous.agent_id
        and previous.period_month = {{ add_months('decisions.period_month', -1) }}
left join confidences
    on
        decisions.agent_id = confidences.agent_id
        and decisions.period_month = confidences.period_month
left join flags
    on decisions.agent_id = flags.agent_id and decisions.period_month = flags.period_month
