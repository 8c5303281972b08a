-- One row per agent and ended month with the band strong or exceptional: how steady that is, what
-- is missing for the next level, what may drive the agent away, and tickets to thank them for.
{% set conditions = {
    'often_strong': 'strong or better in at least 3 of the last 6 months',
    'once_exceptional': 'exceptional in one of the last 6 months',
    'no_watch': 'no critical error watch',
    'long_enough': 'at least 180 days in service',
    'developed': 'development score of the quarter at least 80',
    'has_next_tier': 'a higher tier to move to',
} %}
{% set signals = {
    'is_overloaded': 'occupancy above 0.9',
    'is_declining': 'declining trajectory',
    'is_unheard': 'no one-on-one or development conversation for 60 days',
    'is_often_absent': 'unplanned absence on at least 2 days',
    'has_no_goal': 'no development goal',
} %}
{% set most_tickets = 5 %}
with bands as (

    select * from {{ ref('performance_bands') }}

),

watched as (

    select *
    from bands
    where band in ('exceptional', 'strong')

),

histories as (

    select
        watched.agent_id,
        watched.period_month,
        sum(case when past.band = 'exceptional' then 1 else 0 end) as exceptional_of_12,
        sum(
            case
                when
                    past.band = 'exceptional'
                    and past.period_month >= {{ add_months('watched.period_month', -5) }}
                    then 1
                else 0
            end
        ) as exceptional_of_6,
        sum(
            case
                when past.period_month >= {{ add_months('watched.period_month', -5) }} then 1
                else 0
            end
        ) as strong_of_6
    from watched
    inner join {{ ref('int_bands__band_history') }} as past
        on
            watched.agent_id = past.agent_id
            and past.band in ('exceptional', 'strong')
            and past.period_month <= watched.period_month
            and past.period_month >= {{ add_months('watched.period_month', -11) }}
    group by watched.agent_id, watched.period_month

),

occupancies as (

    select
        agent_id,
        period_month,
        value as occupancy
    from {{ ref('agent_context_metrics') }}
    where metric = 'occupancy'

),

scorecards as (

    select
        agent_id,
        period_month,
        tenure_days,
        development_score
    from {{ ref('agent_scorecard') }}
    where {{ adapter.quote('window') }} = 'quarter'

),

evidence as (

    select
        agent_id,
        period_month,
        evidence_rank,
        case when evidence = 'rating_and_qa' then ticket_id end as praised_id,
        case when evidence = 'hard_contact_type' then ticket_id end as hard_id
    from {{ ref('int_people__recognition') }}

),

recognition as (

    select
        agent_id,
        period_month,
        {%- for place in range(1, most_tickets + 1) %}
        max(case when evidence_rank = {{ place }} then praised_id end) as praised_{{ place }},
        max(case when evidence_rank = {{ place }} then hard_id end) as hard_{{ place }},
        {%- endfor %}
        count(*) as ticket_count
    from evidence
    group by agent_id, period_month

),

judged as (

    select
        watched.agent_id,
        watched.period_month,
        watched.team_id,
        watched.tier,
        watched.band,
        watched.vintage,
        histories.strong_of_6,
        histories.exceptional_of_12,
        case when watched.band = 'exceptional' then watched.months_in_band else 0 end
            as exceptional_in_a_row,
        histories.strong_of_6 >= 3 as often_strong,
        histories.exceptional_of_6 >= 1 as once_exceptional,
        coalesce(watched.flags, '') not like '%critical_error_watch%' as no_watch,
        scorecards.tenure_days >= 180 as long_enough,
        coalesce(scorecards.development_score >= 80, false) as developed,
        watched.tier <> 'T3' as has_next_tier,
        coalesce(occupancies.occupancy > 0.9, false) as is_overloaded,
        coalesce(watched.trajectory = 'declining', false) as is_declining,
        -- Nobody new can have gone without a conversation for that long.
        coalesce(not care.had_conversation, false) and scorecards.tenure_days >= 60 as is_unheard,
        coalesce(care.unplanned_absence_days, 0) >= 2 as is_often_absent,
        coalesce(care.goal_count, 0) = 0 as has_no_goal
    from watched
    inner join histories
        on
            watched.agent_id = histories.agent_id
            and watched.period_month = histories.period_month
    inner join scorecards
        on
            watched.agent_id = scorecards.agent_id
            and watched.period_month = scorecards.period_month
    left join occupancies
        on
            watched.agent_id = occupancies.agent_id
            and watched.period_month = occupancies.period_month
    left join {{ ref('int_people__care') }} as care
        on watched.agent_id = care.agent_id and watched.period_month = care.period_month

),

worded as (

    select
        agent_id,
        period_month,
        {%- for condition, words in conditions.items() %}
        case when {{ condition }} then '{{ words }}' end as {{ condition }}_met,
        case when not {{ condition }} then '{{ words }}' end as {{ condition }}_open,
        {%- endfor %}
        {%- for signal, words in signals.items() %}
        case when {{ signal }} then '{{ words }}' end as {{ signal }}_signal,
        {%- endfor %}
        case when often_strong then 1 else 0 end
        + case when once_exceptional then 1 else 0 end
        + case when no_watch then 1 else 0 end
        + case when long_enough then 1 else 0 end
        + case when developed then 1 else 0 end
        + case when has_next_tier then 1 else 0 end as met_count,
        case when is_overloaded then 1 else 0 end
        + case when is_declining then 1 else 0 end
        + case when is_unheard then 1 else 0 end
        + case when is_often_absent then 1 else 0 end
        + case when has_no_goal then 1 else 0 end as signal_count
    from judged

)

select
    judged.agent_id,
    judged.period_month,
    judged.team_id,
    judged.tier,
    judged.band,
    cast(judged.exceptional_of_12 as bigint) as months_exceptional,
    cast(judged.exceptional_in_a_row as bigint) as months_exceptional_in_a_row,
    cast(judged.strong_of_6 as bigint) as months_strong_or_better,
    worded.met_count = {{ conditions | length }} as is_ready_for_next_level,
    cast(worded.met_count as bigint) as conditions_met_count,
    cast({{ conditions | length }} - worded.met_count as bigint) as conditions_open_count,
    {{ joined_texts(
        ['worded.often_strong_met', 'worded.once_exceptional_met', 'worded.no_watch_met',
         'worded.long_enough_met', 'worded.developed_met', 'worded.has_next_tier_met'], '; '
    ) }} as conditions_met,
    {{ joined_texts(
        ['worded.often_strong_open', 'worded.once_exceptional_open', 'worded.no_watch_open',
         'worded.long_enough_open', 'worded.developed_open', 'worded.has_next_tier_open'], '; '
    ) }} as conditions_open,
    cast(worded.signal_count as bigint) as retention_signal_count,
    {{ joined_texts(
        ['worded.is_overloaded_signal', 'worded.is_declining_signal', 'worded.is_unheard_signal',
         'worded.is_often_absent_signal', 'worded.has_no_goal_signal'], '; '
    ) }} as retention_signals,
    coalesce(recognition.ticket_count, 0) as recognition_count,
    {{ joined_texts(
        ['recognition.praised_1', 'recognition.praised_2',
         'recognition.praised_3', 'recognition.praised_4',
         'recognition.praised_5'], ', '
    ) }} as top_rating_and_qa_tickets,
    {{ joined_texts(
        ['recognition.hard_1', 'recognition.hard_2', 'recognition.hard_3', 'recognition.hard_4',
         'recognition.hard_5'], ', '
    ) }} as hard_contact_tickets,
    judged.vintage,
    runs.as_of,
    runs.release_id
from judged
cross join {{ ref('stg_landing__runs') }} as runs
inner join worded
    on judged.agent_id = worded.agent_id and judged.period_month = worded.period_month
left join recognition
    on
        judged.agent_id = recognition.agent_id
        and judged.period_month = recognition.period_month
