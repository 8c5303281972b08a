-- One row per check that is computed inside the warehouse, with both sides of every conservation
-- equation. Critical checks that fail stop the publish; warnings travel with the release.
-- Only months that this run builds are counted: what the others rest on differs with how far a build
-- looks back.
with built_months as (

    select distinct period_month
    from {{ ref('dim_team_months') }}
    where is_built

),

first_built as (

    select cast(min(period_month) as timestamp) as built_from
    from built_months

),

rows_in_files as (

    select
        raw_table,
        sum(row_count) as row_count
    from {{ ref('stg_landing__files') }}
    group by raw_table

),

rows_disposed as (

    select
        raw_table,
        count(*) as row_count
    from {{ ref('int_rows__dispositions') }}
    group by raw_table

),

rows_conserved as (

    select
        concat('rows_conserved:', rows_in_files.raw_table) as check_name,
        'critical' as severity,
        coalesce(rows_disposed.row_count, 0) + coalesce(later.row_count, 0) as observed,
        rows_in_files.row_count as required
    from rows_in_files
    left join rows_disposed on rows_in_files.raw_table = rows_disposed.raw_table
    left join {{ ref('int_rows__not_yet_visible') }} as later
        on rows_in_files.raw_table = later.raw_table

),

solves_conserved as (

    select
        'final_solves_conserved' as check_name,
        'critical' as severity,
        (
            select count(*)
            from {{ ref('fct_solves') }}
            where
                solve_kind = 'final'
                and credit in ('agent', 'system', 'unknown', 'no_assignment', 'unassigned')
                and solved_at >= (select first_built.built_from from first_built)
        ) as observed,
        (
            select count(*)
            from {{ ref('int_tickets__solves') }}
            where
                solve_kind = 'final'
                and solved_at >= (select first_built.built_from from first_built)
        ) as required

),

evaluations_conserved as (

    select
        'evaluations_conserved' as check_name,
        'critical' as severity,
        (
            select
                count(case when exclusion is null then 1 end)
                + count(case when exclusion is not null then 1 end)
            from {{ ref('int_evaluations__excluded') }}
        ) as observed,
        (
            select count(*)
            from {{ ref('int_rows__dispositions') }}
            where
                raw_table = 'qa_evaluations'
                and (disposition = 'used' or disposition like 'out_of_scope:%')
        ) as required

),

surveys_conserved as (

    select
        'surveys_sent_conserved' as check_name,
        'critical' as severity,
        (
            select
                count(case when is_answered then 1 end)
                + count(case when not is_answered then 1 end)
            from {{ ref('fct_survey_responses') }}
            where sent_at >= (select first_built.built_from from first_built)
        ) as observed,
        (
            select count(*)
            from {{ ref('int_surveys__judged') }}
            where
                fault is null
                and sent_at >= (select first_built.built_from from first_built)
        ) as required

),

responses_conserved as (

    select
        'survey_responses_conserved' as check_name,
        'critical' as severity,
        (
            select coalesce(sum(sample_count), 0)
            from {{ ref('int_scorecard__metric_parts') }}
            where
                metric = 'csat'
                and period_month in (select built_months.period_month from built_months)
        ) + (
            select count(*)
            from {{ ref('fct_survey_responses') }}
            where
                is_answered
                and exclusion is not null
                and responded_at >= (select first_built.built_from from first_built)
        ) as observed,
        (
            select count(*)
            from {{ ref('fct_survey_responses') }}
            where
                is_answered
                and case
                    when exclusion is null
                        then period_month in (select built_months.period_month from built_months)
                    else responded_at >= (select first_built.built_from from first_built)
                end
        ) as required

),

agent_days_conserved as (

    select
        'agent_days_conserved' as check_name,
        'critical' as severity,
        (
            select count(*)
            from {{ ref('fct_agent_days') }}
            where
                period_month in (select built_months.period_month from built_months)
                and adherent_microseconds between 0 and scheduled_microseconds
                and handling_microseconds between 0 and productive_microseconds
                and productive_microseconds <= logged_microseconds
                and logged_microseconds <= {{ microseconds_between('starts_at', 'ends_at') }}
        ) as observed,
        (
            select count(*)
            from {{ ref('fct_agent_days') }}
            where period_month in (select built_months.period_month from built_months)
        ) as required

),

agents_banded as (

    select
        'employed_agents_banded_or_not_rated' as check_name,
        'critical' as severity,
        (select count(*) from {{ ref('int_bands__decisions') }}) as observed,
        (
            select count(*)
            from {{ ref('dim_agent_months') }}
            where is_ended and is_built
        ) as required

),

conserved as (

    select * from rows_conserved
    union all
    select * from solves_conserved
    union all
    select * from evaluations_conserved
    union all
    select * from surveys_conserved
    union all
    select * from responses_conserved
    union all
    select * from agent_days_conserved
    union all
    select * from agents_banded

),

counted as (

    select
        check_name,
        severity,
        observed = required as is_passed,
        cast(observed as {{ dbt.type_string() }}) as observed,
        cast(required as {{ dbt.type_string() }}) as required
    from conserved

),

-- What was set aside in the release before is still so, has healed, or its file was taken away.
quarantine_changed as (

    select
        count(case when change = 'new' then 1 end) as new_count,
        count(case when change = 'healed' then 1 end) as healed_count,
        count(case when change = 'taken_away' then 1 end) as taken_away_count
    from {{ ref('int_release__quarantine_changes') }}

),

quarantine_opened as (

    select coalesce(max(quarantined_count), 0) as opening_count
    from {{ ref('stg_batch__releases') }}

),

quarantine_closed as (

    select count(*) as closing_count
    from {{ ref('int_rows__quarantined') }}

),

quarantine_counted as (

    select
        opened.opening_count,
        changed.new_count,
        changed.healed_count,
        changed.taken_away_count,
        closed.closing_count
    from quarantine_opened as opened
    cross join quarantine_changed as changed
    cross join quarantine_closed as closed

),

quarantine_conserved as (

    select
        'quarantine_conserved' as check_name,
        'critical' as severity,
        opening_count + new_count - healed_count - taken_away_count
        = closing_count as is_passed,
        concat(
            cast(opening_count as {{ dbt.type_string() }}), ' in the release before + ',
            cast(new_count as {{ dbt.type_string() }}), ' new - ',
            cast(healed_count as {{ dbt.type_string() }}), ' healed - ',
            cast(taken_away_count as {{ dbt.type_string() }}), ' of files taken away = ',
            cast(
                opening_count + new_count - healed_count - taken_away_count
                as {{ dbt.type_string() }}
            )
        ) as observed,
        concat(cast(closing_count as {{ dbt.type_string() }}), ' set aside now') as required
    from quarantine_counted

),

volumes as (

    select
        concat('daily_volume:', raw_table) as check_name,
        'critical' as severity,
        count(case when is_blocking then 1 end) = 0 as is_passed,
        coalesce({{ listing('finding') }}, 'every day within') as observed,
        'each new day at most 3 times and at least a third of its 8 weekdays before' as required
    from {{ ref('int_release__daily_volumes') }}
    group by raw_table

),

bounds as (

    select
        'rates_between_0_and_1' as check_name,
        'critical' as severity,
        count(case when value < 0 or value > 1 then 1 end) = 0 as is_passed,
        concat(
            cast(count(case when value < 0 or value > 1 then 1 end) as {{ dbt.type_string() }}),
            ' outside'
        ) as observed,
        '0 outside' as required
    from {{ ref('int_scorecard__metric_values') }}
    where
        metric in (
            'critical_error_rate', 'schedule_adherence', 'csat', 'fcr_rate', 'escalation_rate',
            'repeat_contact_rate', 'training_completion_rate', 'goal_progress'
        )

),

nulls as (

    select
        'values_null_only_when_unmeasurable' as check_name,
        'critical' as severity,
        count(*) = 0 as is_passed,
        concat(cast(count(*) as {{ dbt.type_string() }}), ' rows differ') as observed,
        '0 rows differ' as required
    from {{ ref('int_scorecard__agent_metrics') }}
    where
        (value is null) <> (
            denominator = 0
            or (
                metric = 'contacts_per_productive_hour'
                and denominator < case when period_window = 'month' then 20 else 60 end
            )
        )

),

point_sums as (

    select
        agent_id,
        period_month,
        {{ adapter.quote('window') }} as period_window,
        sum(cast(points as decimal(18, 6))) as points
    from {{ ref('agent_scorecard_metrics') }}
    group by agent_id, period_month, {{ adapter.quote('window') }}

),

points as (

    select
        'points_sum_to_the_overall_score' as check_name,
        'critical' as severity,
        count(*) = 0 as is_passed,
        concat(cast(count(*) as {{ dbt.type_string() }}), ' scorecards differ') as observed,
        '0 scorecards differ' as required
    from {{ ref('int_scorecard__agent_scores') }} as scores
    left join point_sums
        on
            scores.agent_id = point_sums.agent_id
            and scores.period_month = point_sums.period_month
            and scores.period_window = point_sums.period_window
    where
        (scores.overall_score is null) <> (point_sums.points is null)
        or abs(scores.overall_score - cast(point_sums.points as double)) > 0.00001

),

-- Teams as published against the company's own sums. Two metrics are no sums by intent (spread around the
-- agent's own mean; employment in both of two teams). Each published number is rounded to 6 decimals.
team_totals as (

    select
        metric,
        sum(cast(numerator as decimal(28, 6))) as numerator,
        sum(cast(denominator as decimal(28, 6))) as denominator,
        count(*) * cast(0.000001 as decimal(9, 6)) as tolerance
    from {{ ref('int_scorecard__team_metrics') }}
    where
        metric not in ('qa_consistency', 'kb_contributions')
        and period_month in (select built_months.period_month from built_months)
    group by metric

),

company_totals as (

    select
        company.metric,
        sum(cast(company.numerator as decimal(28, 6))) as numerator,
        sum(cast(company.denominator as decimal(28, 6))) as denominator
    from {{ ref('int_scorecard__metric_values') }} as company
    inner join {{ ref('int_scorecard__versions_in_force') }} as versions
        on company.period_month = versions.period_month
    inner join {{ ref('scorecard_metrics') }} as scored
        on versions.scorecard_version = scored.version and company.metric = scored.metric
    where
        company.scope_kind = 'company'
        and company.period_window = 'month'
        and company.metric not in ('qa_consistency', 'kb_contributions')
        and company.period_month in (select built_months.period_month from built_months)
    group by company.metric

),

teams_summed as (

    select
        concat('teams_sum_to_the_company:', company_totals.metric) as check_name,
        'critical' as severity,
        coalesce(
            abs(company_totals.numerator - team_totals.numerator) <= team_totals.tolerance
            and abs(company_totals.denominator - team_totals.denominator) <= team_totals.tolerance,
            false
        ) as is_passed,
        concat(
            cast(cast(team_totals.numerator as decimal(28, 2)) as {{ dbt.type_string() }}), ' / ',
            cast(cast(team_totals.denominator as decimal(28, 2)) as {{ dbt.type_string() }})
        ) as observed,
        concat(
            cast(cast(company_totals.numerator as decimal(28, 2)) as {{ dbt.type_string() }}), ' / ',
            cast(cast(company_totals.denominator as decimal(28, 2)) as {{ dbt.type_string() }})
        ) as required
    from company_totals
    left join team_totals on company_totals.metric = team_totals.metric

),

drivers_summed as (

    select
        'csat_drivers_sum_to_the_change' as check_name,
        'critical' as severity,
        count(*) = 0 as is_passed,
        concat(cast(count(*) as {{ dbt.type_string() }}), ' team months differ') as observed,
        '0 team months differ' as required
    from (
        select
            scorecard.team_id,
            scorecard.period_month,
            drivers.driver_kind
        from {{ ref('team_scorecard') }} as scorecard
        cross join (
            select 'agent' as driver_kind
            union all
            select 'contact_type' as driver_kind
        ) as drivers
        left join {{ ref('team_csat_drivers') }} as contributions
            on
                scorecard.team_id = contributions.team_id
                and scorecard.period_month = contributions.period_month
                and drivers.driver_kind = contributions.driver_kind
        group by
            scorecard.team_id, scorecard.period_month, drivers.driver_kind, scorecard.csat_change
        having
            abs(
                coalesce(cast(scorecard.csat_change as decimal(18, 6)), 0)
                - coalesce(sum(cast(contributions.contribution as decimal(18, 6))), 0)
            ) > 0.000001
    ) as differing

),

-- Service levels are shown by team; what no team had at the time is said here.
service_levels_without_team as (

    select
        'service_levels_credited_to_a_team' as check_name,
        'info' as severity,
        count(case when credit <> 'team' then 1 end) = 0 as is_passed,
        concat(
            cast(count(case when credit <> 'team' then 1 end) as {{ dbt.type_string() }}), ' of ',
            cast(count(*) as {{ dbt.type_string() }}), ' outcomes had no team at the time'
        ) as observed,
        'every outcome has a team; those without are missing in team_sla' as required
    from {{ ref('int_service__tickets_credited') }}
    where
        credit not in ('no_target', 'before_first_month')
        and credited_at >= (select first_built.built_from from first_built)

),

unlisted_types as (

    select
        'contact_types_listed' as check_name,
        'warning' as severity,
        count(*) = 0 as is_passed,
        coalesce({{ listing('contact_type') }}, 'all listed') as observed,
        'every contact type stands in contact_types.csv' as required
    from {{ ref('dim_contact_types') }}
    where not is_listed

),

landed_tables as (

    select distinct raw_table
    from {{ ref('stg_landing__files') }}
    where row_count > 0

),

absent_inputs as (

    select
        'inputs_present' as check_name,
        'info' as severity,
        count(*) = 0 as is_passed,
        coalesce({{ listing('expected.raw_table') }}, 'all present') as observed,
        'a file for every raw table; metrics without their input are null' as required
    from ({{ raw_table_names() }}) as expected
    left join landed_tables as landed on expected.raw_table = landed.raw_table
    where landed.raw_table is null

),

review_ages as (

    select
        'scorecard_reviewed_within_12_months' as check_name,
        'warning' as severity,
        count(*) = 0 as is_passed,
        coalesce(
            {{ listing(
                "concat('version ', versions.version, ' reviewed ', cast(versions.reviewed_on as "
                ~ dbt.type_string() ~ "))"
            ) }},
            'all reviewed'
        ) as observed,
        'version in force reviewed at most 12 months before the period' as required
    from {{ ref('scorecard_versions') }} as versions
    inner join {{ ref('int_scorecard__versions_in_force') }} as in_force
        on versions.version = in_force.scorecard_version
    where {{ add_months('versions.reviewed_on', 12) }} < in_force.period_month

),

folded_keys as (

    select
        'agents' as raw_table,
        lower(agent_id) as folded
    from {{ ref('dim_agents') }}

    union all

    select
        'teams' as raw_table,
        lower(team_id) as folded
    from {{ ref('dim_teams') }}

    union all

    select
        'tickets' as raw_table,
        lower(ticket_id) as folded
    from {{ ref('int_tickets__scoped') }}

),

keys_alike as (

    select
        raw_table,
        folded
    from folded_keys
    group by raw_table, folded
    having count(*) > 1

),

keys_differing_in_case as (

    select
        'keys_differ_by_more_than_case' as check_name,
        'warning' as severity,
        count(*) = 0 as is_passed,
        concat(
            cast(count(*) as {{ dbt.type_string() }}), ' keys differ by case only, of ',
            coalesce({{ listing('raw_table') }}, 'any table')
        ) as observed,
        'no two agents, teams or tickets whose keys differ by case only' as required
    from keys_alike

),

unusual_plans as (

    select
        'plans_last_4_to_8_weeks' as check_name,
        'warning' as severity,
        count(case when is_length_unusual then 1 end) = 0 as is_passed,
        concat(
            cast(count(case when is_length_unusual then 1 end) as {{ dbt.type_string() }}), ' of ',
            cast(count(*) as {{ dbt.type_string() }}), ' plans are shorter or longer'
        ) as observed,
        'every improvement plan lasts 4 to 8 weeks' as required
    from {{ ref('int_plans__plans') }}

),

active_after_leaving as (

    select
        'contacts_after_the_agent_left' as check_name,
        'warning' as severity,
        count(*) = 0 as is_passed,
        concat(cast(count(*) as {{ dbt.type_string() }}), ' contacts') as observed,
        '0 contacts' as required
    from {{ ref('fct_contacts') }} as contacts
    inner join {{ ref('dim_agents') }} as agents on contacts.agent_id = agents.agent_id
    where cast(contacts.first_interaction_at as date) > {{ add_days('agents.left_on', 1) }}

)

select * from counted
union all
select * from quarantine_conserved
union all
select * from volumes
union all
select * from bounds
union all
select * from nulls
union all
select * from points
union all
select * from teams_summed
union all
select * from drivers_summed
union all
select * from service_levels_without_team
union all
select * from unlisted_types
union all
select * from absent_inputs
union all
select * from review_ages
union all
select * from keys_differing_in_case
union all
select * from active_after_leaving
union all
select * from unusual_plans
