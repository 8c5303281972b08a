-- One row per agent, ended month and rank: up to five things worth working on next, by the points
-- of the quarter's overall score they cost. A point stands in one row only: what a sub-dimension or
-- contact type explains is not counted in its metric again.
{% set advice = {
    'sub_dimension': {
        'accuracy': 'Check answers against the knowledge base before sending; review two evaluated contacts together.',
        'tone': 'Listen to two evaluated contacts together and practise opening, empathy and closing.',
        'process_adherence': 'Walk through the process steps on two evaluated contacts and keep a checklist at hand.',
        'resolution_completeness': 'Practise confirming that every question is answered before a contact is closed.',
        'documentation': 'Agree what a complete note holds and look at five recent notes together.',
    },
    'contact_type': {
        'csat': 'Listen to low-rated contacts of this type and practise how expectations are set.',
        'fcr_rate': 'Look at what customers come back for in this type; use or ask for a knowledge article.',
        'aht_index': 'Compare the steps on this type with a peer at the usual time.',
    },
    'metric': {
        'qa_score': 'Pick one part of the evaluation form and practise it in the next coaching session.',
        'qa_consistency': 'Use a checklist, so that good days and bad days come closer together.',
        'critical_error_rate': 'Go through each critical error with the coach before the next shift.',
        'aht_index': 'Review contacts far from the usual handle time and find what takes or skips the time.',
        'contacts_per_productive_hour': 'Look for waiting and rework between contacts with the team lead.',
        'schedule_adherence': 'Agree which parts of the schedule cannot be kept and change or protect them.',
        'csat': 'Listen to low-rated contacts and choose one behaviour to change.',
        'fcr_rate': 'Look at tickets that came back and note what would have settled them at once.',
        'escalation_rate': 'Pick the escalations that could have been finished and learn the missing step.',
        'repeat_contact_rate': 'Look at what customers came back for and correct it at the source.',
        'training_completion_rate': 'Free time for the overdue modules before new ones are assigned.',
        'kb_contributions': 'Write down one answer that colleagues often ask for.',
        'goal_progress': 'Agree what help the goal needs, or whether it is still the right one.',
    },
} %}
with lost as (

    select * from {{ ref('int_people__points_lost') }}

),

gaps as (

    select * from {{ ref('int_people__gaps') }}

),

explained as (

    select
        agent_id,
        period_month,
        metric,
        sum(cast(points_at_stake as decimal(18, 6))) as points
    from gaps
    group by agent_id, period_month, metric

),

candidates as (

    select
        agent_id,
        period_month,
        team_id,
        tier,
        vintage,
        gap_kind,
        subject,
        metric,
        own_value,
        peer_value,
        cast(null as double) as target,
        gap,
        points_at_stake,
        sample_size
    from gaps

    union all

    select
        lost.agent_id,
        lost.period_month,
        lost.team_id,
        lost.tier,
        lost.vintage,
        'metric' as gap_kind,
        lost.metric as subject,
        lost.metric,
        lost.adjusted_value as own_value,
        lost.tier_value as peer_value,
        lost.target,
        lost.shortfall as gap,
        {{ published('lost.points_lost - cast(coalesce(explained.points, 0) as double)') }}
            as points_at_stake,
        lost.sample_size
    from lost
    left join explained
        on
            lost.agent_id = explained.agent_id
            and lost.period_month = explained.period_month
            and lost.metric = explained.metric

),

ranked as (

    select
        *,
        row_number() over (
            partition by agent_id, period_month
            order by points_at_stake desc, gap desc, metric asc, gap_kind asc, subject asc
        ) as focus_rank
    from candidates
    -- Below a hundredth of a point nothing is at stake but rounding.
    where points_at_stake >= 0.01

)

select
    ranked.agent_id,
    ranked.period_month,
    ranked.focus_rank as {{ adapter.quote('rank') }},
    ranked.team_id,
    ranked.tier,
    ranked.gap_kind,
    ranked.subject,
    ranked.metric,
    ranked.own_value,
    ranked.peer_value,
    ranked.target,
    ranked.gap,
    ranked.points_at_stake,
    ranked.sample_size,
    case
        {%- for subject, sentence in advice['sub_dimension'].items() %}
        when ranked.gap_kind = 'sub_dimension' and ranked.subject = '{{ subject }}'
            then '{{ sentence }}'
        {%- endfor %}
        {%- for metric, sentence in advice['contact_type'].items() %}
        when ranked.gap_kind = 'contact_type' and ranked.metric = '{{ metric }}'
            then '{{ sentence }}'
        {%- endfor %}
        {%- for metric, sentence in advice['metric'].items() %}
        when ranked.gap_kind = 'metric' and ranked.metric = '{{ metric }}'
            then '{{ sentence }}'
        {%- endfor %}
    end as suggested_focus,
    ranked.vintage,
    runs.as_of,
    runs.release_id
from ranked
cross join {{ ref('stg_landing__runs') }} as runs
where ranked.focus_rank <= 5
