{#
    CTEs up to `summed`: what an agent did in each period of local days, for int_pulse__agent_days and int_pulse__agent_weeks.

    period     column of `dated` that names the period: local_date or week_start
    Contacts are counted once per ticket and period, and their handle time is capped per contact, as in a month.
#}
{% macro pulse_sums(period) -%}
    with agent_days as (

        select
            *,
            {{ iso_week_start('local_date') }} as week_start
        from {{ ref('fct_agent_days') }}

    ),

    time_spent as (

        select
            agent_id,
            {{ period }},
            max(local_date) as last_day,
            max(ends_at) as last_ends_at,
            sum(scheduled_microseconds) as scheduled_microseconds,
            sum(case when not is_absent then scheduled_microseconds else 0 end) as present_microseconds,
            sum(case when not is_absent then adherent_microseconds else 0 end) as adherent_microseconds,
            sum(logged_microseconds) as logged_microseconds,
            sum(productive_microseconds) as productive_microseconds,
            sum(handling_microseconds) as handling_microseconds
        from agent_days
        group by agent_id, {{ period }}

    ),

    -- Team and tier of the agent's last part of the period.
    ranked_teams as (

        select
            agent_id,
            {{ period }},
            period_month,
            team_id,
            tier,
            row_number() over (
                partition by agent_id, {{ period }} order by starts_at desc, team_id asc, tier asc
            ) as recency
        from agent_days

    ),

    contacts as (

        select
            agent_id,
            ticket_id,
            {{ period }},
            sum(plausible_seconds) as plausible_seconds
        from (
            select
                *,
                {{ iso_week_start('local_date') }} as week_start
            from {{ ref('int_pulse__contact_days') }}
        ) as contact_days
        group by agent_id, ticket_id, {{ period }}

    ),

    contact_sums as (

        select
            agent_id,
            {{ period }},
            count(*) as contacts_handled,
            count(plausible_seconds) as timed_contacts,
            sum(
                case
                    when plausible_seconds > {{ var('handle_cap_seconds') }} then {{ var('handle_cap_seconds') }}
                    else plausible_seconds
                end
            ) as handle_seconds
        from contacts
        group by agent_id, {{ period }}

    ),

    fact_sums as (

        select
            agent_id,
            {{ period }},
            sum(solved) as solved,
            sum(escalations) as escalations,
            sum(csat_responses) as csat_responses,
            sum(csat_positive) as csat_positive,
            sum(qa_evaluations) as qa_evaluations
        from (
            select
                *,
                {{ iso_week_start('local_date') }} as week_start
            from {{ ref('int_pulse__fact_days') }}
        ) as fact_days
        group by agent_id, {{ period }}

    ),

    summed as (

        select
            time_spent.agent_id,
            time_spent.{{ period }},
            ranked_teams.period_month,
            ranked_teams.team_id,
            ranked_teams.tier,
            time_spent.last_day,
            time_spent.last_ends_at,
            cast(coalesce(contact_sums.contacts_handled, 0) as bigint) as contacts_handled,
            cast(coalesce(contact_sums.timed_contacts, 0) as bigint) as timed_contacts,
            coalesce(contact_sums.handle_seconds, 0) as handle_seconds,
            time_spent.scheduled_microseconds,
            time_spent.present_microseconds,
            time_spent.adherent_microseconds,
            time_spent.productive_microseconds,
            time_spent.handling_microseconds
            {%- for count in ['solved', 'escalations', 'csat_responses', 'csat_positive', 'qa_evaluations'] %},
            cast(coalesce(fact_sums.{{ count }}, 0) as bigint) as {{ count }}
            {%- endfor %}
        from time_spent
        inner join ranked_teams
            on
                time_spent.agent_id = ranked_teams.agent_id
                and time_spent.{{ period }} = ranked_teams.{{ period }}
                and ranked_teams.recency = 1
        left join contact_sums
            on
                time_spent.agent_id = contact_sums.agent_id
                and time_spent.{{ period }} = contact_sums.{{ period }}
        left join fact_sums
            on
                time_spent.agent_id = fact_sums.agent_id
                and time_spent.{{ period }} = fact_sums.{{ period }}
        -- A day off has neither plan nor work: no row.
        where
            time_spent.scheduled_microseconds > 0
            or time_spent.logged_microseconds > 0
            or contact_sums.agent_id is not null
            or fact_sums.agent_id is not null

    )
{%- endmacro %}
