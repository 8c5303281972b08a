-- One row per coaching session: its focus and the two spans of local days it is judged by, 28 on
-- each side. The session's day and the six after it are washed out: what was agreed has to become
-- habit first.
with sessions as (

    select
        sessions.session_id,
        sessions.agent_id,
        sessions.coach_id,
        sessions.team_id,
        sessions.tier,
        sessions.period_month,
        sessions.held_at,
        sessions.focus_metric,
        teams.timezone,
        cast({{ utc_to_local('sessions.held_at', 'teams.timezone') }} as date) as held_on
    from {{ ref('fct_coaching') }} as sessions
    inner join {{ ref('dim_teams') }} as teams on sessions.team_id = teams.team_id
    where sessions.kind = 'coaching'

),

spanned as (

    select
        *,
        {{ add_days('held_on', -28) }} as before_from,
        {{ add_days('held_on', -1) }} as before_to,
        {{ add_days('held_on', 7) }} as after_from,
        {{ add_days('held_on', 34) }} as after_to,
        -- The day from which no fact of the span is missing any more. Whether the customer came
        -- back is known only when the repeat window is over.
        {{ add_days(
            'held_on',
            "(35 + case when focus_metric in ('fcr_rate', 'repeat_contact_rate') then "
            ~ var('repeat_window_days') ~ " else 0 end)"
        ) }} as known_from
    from sessions

),

-- Two sessions on one metric within a span share what follows: neither is its cause alone.
companions as (

    select
        spanned.session_id,
        count(*) as other_session_count
    from spanned
    inner join spanned as nearby
        on
            spanned.agent_id = nearby.agent_id
            and spanned.focus_metric = nearby.focus_metric
            and spanned.session_id <> nearby.session_id
            and nearby.held_on >= spanned.before_from
            and nearby.held_on <= spanned.after_to
    group by spanned.session_id

)

select
    spanned.session_id,
    spanned.agent_id,
    spanned.coach_id,
    spanned.team_id,
    spanned.tier,
    spanned.period_month,
    spanned.held_at,
    spanned.held_on,
    spanned.focus_metric,
    metrics.direction,
    coalesce(spanned.focus_metric in (
        'qa_score', 'critical_error_rate', 'csat', 'fcr_rate', 'repeat_contact_rate',
        'escalation_rate', 'aht_index', 'schedule_adherence', 'contacts_per_productive_hour'
    ), false) as is_dated,
    spanned.before_from,
    spanned.before_to,
    spanned.after_from,
    spanned.after_to,
    {{ local_to_utc('spanned.known_from', 'spanned.timezone') }} <= runs.as_of as is_over,
    {{ month_of('spanned.after_to') }} as settled_month,
    coalesce(vintages.vintage, 'provisional') as vintage,
    coalesce(companions.other_session_count, 0) as other_session_count
from spanned
cross join {{ ref('stg_landing__runs') }} as runs
inner join {{ ref('int_scorecard__versions_in_force') }} as versions
    on spanned.period_month = versions.period_month
left join {{ ref('scorecard_metrics') }} as metrics
    on versions.scorecard_version = metrics.version and spanned.focus_metric = metrics.metric
left join companions on spanned.session_id = companions.session_id
left join {{ ref('int_measurement__month_vintages') }} as vintages
    on vintages.period_month = {{ month_of('spanned.after_to') }}
