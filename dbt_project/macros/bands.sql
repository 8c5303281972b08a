{#
    The rules of the performance bands, once: the models apply them to what was seen, and again to what would have been seen
    after the change that `nearest_change` proposes.

    A condition is what a rule asks of a metric: observed, required, and whether it passed (null: too few to judge, which
    counts neither way). Rules not_rated, critical_gate, critical_error_watch and trajectory fire where a condition fails;
    exceptional and strong where all pass.
#}

{# A value as people read it: a share in percent, the rest with the decimals its unit needs. #}
{% macro shown(value, unit) -%}
    {#- Not concat(), which takes null for nothing on one engine: what is not measured shows as null. #}
    case
        when {{ unit }} = 'share'
            then {{ shown_number('100 * ' ~ value, 1) }} || ' %'
        when {{ unit }} = 'points' then {{ shown_number(value, 1) }}
        else {{ shown_number(value, 2) }}
    end
{%- endmacro %}

{% macro shown_number(value, decimals) -%}
    cast(cast(round({{ value }}, {{ decimals }}) as decimal(18, {{ decimals }})) as {{ dbt.type_string() }})
{%- endmacro %}

{#
    Conditions of the rules that need no history.

    evidence  one row per agent, month and metric of the quarter, see int_bands__evidence
    subjects  one row per agent and month, see int_bands__subjects
#}
{% macro band_conditions(evidence, subjects) -%}
    with evidence as (

        select * from {{ evidence }}

    ),

    subjects as (

        select * from {{ subjects }}

    ),

    rated as (

        select
            agent_id,
            period_month,
            'not_rated' as rule,
            'overall_score' as metric,
            'measured' as requirement,
            coalesce({{ shown_number('overall_score', 1) }}, 'no score') as observed,
            'an overall score for the quarter' as required,
            overall_score is not null as passed
        from subjects

        union all

        select
            agent_id,
            period_month,
            'not_rated' as rule,
            'tenure_days' as metric,
            'least' as requirement,
            coalesce(cast(tenure_days as {{ dbt.type_string() }}), 'unknown') as observed,
            concat('at least ', cast(min_tenure_days as {{ dbt.type_string() }})) as required,
            coalesce(tenure_days >= min_tenure_days, false) as passed
        from subjects

        union all

        select
            agent_id,
            period_month,
            'not_rated' as rule,
            'productive_days' as metric,
            'least' as requirement,
            cast(productive_days as {{ dbt.type_string() }}) as observed,
            concat('at least ', cast(min_productive_days as {{ dbt.type_string() }})) as required,
            productive_days >= min_productive_days as passed
        from subjects

        union all

        select
            subjects.agent_id,
            subjects.period_month,
            'not_rated' as rule,
            'key_metrics' as metric,
            'least' as requirement,
            cast(count(evidence.metric) as {{ dbt.type_string() }}) as observed,
            'at least 1 with enough sample' as required,
            count(evidence.metric) > 0 as passed
        from subjects
        left join evidence
            on
                subjects.agent_id = evidence.agent_id
                and subjects.period_month = evidence.period_month
                and evidence.is_key
                and evidence.is_eligible
        group by subjects.agent_id, subjects.period_month

    ),

    gated as (

        select
            agent_id,
            period_month,
            'critical_gate' as rule,
            metric,
            'proven' as requirement,
            coalesce(
                'at least ' || {{ shown('interval_lower', 'value_unit') }} || ' beyond chance',
                'nothing evaluated'
            ) as observed,
            concat('at most ', {{ shown('gate_threshold', 'value_unit') }}) as required,
            case when is_eligible then interval_lower <= gate_threshold end as passed
        from evidence
        where gate_threshold is not null

        union all

        select
            agent_id,
            period_month,
            'critical_error_watch' as rule,
            metric,
            'seen' as requirement,
            coalesce({{ shown('value', 'value_unit') }}, 'nothing evaluated') as observed,
            concat('at most ', {{ shown('gate_threshold', 'value_unit') }}) as required,
            case when is_eligible then value <= gate_threshold end as passed
        from evidence
        where gate_threshold is not null

    ),

    key_targets as (

        select
            evidence.agent_id,
            evidence.period_month,
            rules.rule,
            evidence.metric,
            'target' as requirement,
            coalesce({{ shown('evidence.adjusted_value', 'evidence.value_unit') }}, 'not measured') as observed,
            case
                when evidence.direction = 'higher'
                    then concat('at least ', {{ shown('evidence.target', 'evidence.value_unit') }}, ' (target)')
                when evidence.direction = 'lower'
                    then concat('at most ', {{ shown('evidence.target', 'evidence.value_unit') }}, ' (target)')
                else concat('within ', {{ shown('evidence.target', 'evidence.value_unit') }}, ' of the band (target)')
            end as required,
            case
                when evidence.is_eligible
                    then {{ meets_target(
                        compared_value('evidence.adjusted_value', 'evidence.direction'),
                        'evidence.direction', 'evidence.target'
                    ) }}
            end as passed
        from evidence
        cross join (
            select 'exceptional' as rule
            union all
            select 'strong' as rule
        ) as rules
        where evidence.is_key

    ),

    {#- The metrics a rule names must be judged, so one that is not on the scorecard fails rather than vanishes. #}
    named as (

        select
            subjects.agent_id,
            subjects.period_month,
            needed.rule,
            needed.metric,
            needed.requirement,
            evidence.value_unit,
            coalesce(evidence.is_eligible, false) as is_eligible,
            coalesce(evidence.sample_size, 0) as sample_size,
            coalesce(evidence.minimum_sample, 0) as minimum_sample,
            evidence.value,
            evidence.adjusted_value,
            evidence.team_adjusted_value,
            evidence.percentile,
            subjects.exceptional_percentile,
            subjects.exceptional_aht_low,
            subjects.exceptional_aht_high
        from subjects
        cross join (
            select 'strong' as rule, 'qa_score' as metric, 'team' as requirement
            union all
            select 'strong' as rule, 'csat' as metric, 'team' as requirement
            union all
            select 'exceptional' as rule, 'qa_score' as metric, 'percentile' as requirement
            union all
            select 'exceptional' as rule, 'csat' as metric, 'percentile' as requirement
            union all
            select 'exceptional' as rule, 'fcr_rate' as metric, 'above_team' as requirement
            union all
            select 'exceptional' as rule, 'aht_index' as metric, 'range' as requirement
        ) as needed
        left join evidence
            on
                subjects.agent_id = evidence.agent_id
                and subjects.period_month = evidence.period_month
                and needed.metric = evidence.metric

    ),

    compared as (

        select
            agent_id,
            period_month,
            rule,
            metric,
            requirement,
            case
                when not is_eligible
                    then concat('sample of ', cast(sample_size as {{ dbt.type_string() }}))
                when requirement = 'percentile'
                    then concat('percentile ', {{ shown_number('percentile', 2) }})
                when requirement = 'range' then {{ shown('value', 'value_unit') }}
                else {{ shown('adjusted_value', 'value_unit') }}
            end as observed,
            case
                when not is_eligible
                    then concat('sample of ', cast(minimum_sample as {{ dbt.type_string() }}))
                when requirement = 'percentile'
                    then concat('percentile ', {{ shown_number('exceptional_percentile', 2) }}, ' among peers')
                when requirement = 'range'
                    then concat(
                        'above ', {{ shown('exceptional_aht_low', 'value_unit') }},
                        ' and at most ', {{ shown('exceptional_aht_high', 'value_unit') }}
                    )
                when requirement = 'above_team'
                    then concat('above ', {{ shown('team_adjusted_value', 'value_unit') }}, ' (team)')
                else concat('at least ', {{ shown('team_adjusted_value', 'value_unit') }}, ' (team)')
            end as required,
            coalesce(
                is_eligible and case requirement
                    when 'percentile' then percentile >= exceptional_percentile
                    when 'range' then value > exceptional_aht_low and value <= exceptional_aht_high
                    when 'above_team' then adjusted_value > team_adjusted_value
                    else adjusted_value >= team_adjusted_value
                end,
                false
            ) as passed
        from named

    ),

    developed as (

        select
            subjects.agent_id,
            subjects.period_month,
            'exceptional' as rule,
            'development' as metric,
            'any' as requirement,
            case
                when count(case
                    when evidence.metric = 'kb_contributions' and evidence.value > 0 then 1
                    when
                        evidence.metric in ('training_completion_rate', 'goal_progress')
                        and evidence.is_eligible
                        and {{ meets_target(
                            compared_value('evidence.adjusted_value', 'evidence.direction'),
                            'evidence.direction', 'evidence.target'
                        ) }}
                        then 1
                end) > 0
                    then 'one of them'
                else 'none of them'
            end as observed,
            'training or goals on target, or a knowledge contribution' as required,
            count(case
                when evidence.metric = 'kb_contributions' and evidence.value > 0 then 1
                when
                    evidence.metric in ('training_completion_rate', 'goal_progress')
                    and evidence.is_eligible
                    and {{ meets_target(
                        compared_value('evidence.adjusted_value', 'evidence.direction'),
                        'evidence.direction', 'evidence.target'
                    ) }}
                    then 1
            end) > 0 as passed
        from subjects
        left join evidence
            on
                subjects.agent_id = evidence.agent_id
                and subjects.period_month = evidence.period_month
        group by subjects.agent_id, subjects.period_month

    ),

    final as (

        select * from rated
        union all
        select * from gated
        union all
        select * from key_targets
        union all
        select * from compared
        union all
        select * from developed

    )

    select * from final
{%- endmacro %}

{#
    Conditions of the rule that looks back: a key metric clearly missed without improvement, or a decline from strong.

    evidence  as above
    courses   one row per agent and month, see int_bands__courses: trajectory, slope, was_strong
#}
{% macro trajectory_conditions(evidence, courses) -%}
    with evidence as (

        select * from {{ evidence }}

    ),

    courses as (

        select * from {{ courses }}

    ),

    missed as (

        select
            evidence.*,
            courses.trajectory,
            coalesce(courses.trajectory in ('flat', 'declining'), false) as is_without_improvement,
            evidence.eligible_months >= courses.clearly_missed_months
            and evidence.missed_months = evidence.eligible_months
            and coalesce(
                case
                    when evidence.interval_lower is null
                        then not {{ meets_target(
                            compared_value('evidence.adjusted_value', 'evidence.direction'),
                            'evidence.direction', 'evidence.target'
                        ) }}
                    when evidence.direction = 'higher' then evidence.interval_upper < evidence.target
                    else evidence.interval_lower > evidence.target
                end,
                false
            ) as is_clearly_missed
        from evidence
        inner join courses
            on
                evidence.agent_id = courses.agent_id
                and evidence.period_month = courses.period_month
        where evidence.is_key

    ),

    clearly_missed as (

        select
            agent_id,
            period_month,
            'trajectory' as rule,
            metric,
            'clearly_missed' as requirement,
            concat(
                'target missed in ', cast(missed_months as {{ dbt.type_string() }}), ' of ',
                cast(eligible_months as {{ dbt.type_string() }}), ' months',
                case
                    when interval_lower is null then ''
                    else concat(
                        ', interval ', {{ shown('interval_lower', 'value_unit') }}, ' to ',
                        {{ shown('interval_upper', 'value_unit') }}
                    )
                end,
                ', trajectory ', coalesce(trajectory, 'unknown')
            ) as observed,
            concat(
                'target of ', {{ shown('target', 'value_unit') }}, ' not clearly missed, or improving'
            ) as required,
            not (is_clearly_missed and is_without_improvement) as passed
        from missed

    ),

    declined as (

        select
            agent_id,
            period_month,
            'trajectory' as rule,
            'overall_score' as metric,
            'decline' as requirement,
            concat(
                coalesce(trajectory, 'unknown'),
                case
                    when slope is null then ''
                    else concat(', ', {{ shown_number('slope', 1) }}, ' points a month')
                end,
                case when was_strong then ', strong or better before' else ', not strong before' end
            ) as observed,
            'no decline from strong or better' as required,
            not coalesce(trajectory = 'declining' and was_strong, false) as passed
        from courses

    ),

    final as (

        select * from clearly_missed
        union all
        select * from declined

    )

    select * from final
{%- endmacro %}

{# What the conditions make of an agent and month: band and the rule that decided it, the first that applies. #}
{% macro band_decision(conditions) -%}
    with conditions as (

        select * from {{ conditions }}

    ),

    fired as (

        select
            agent_id,
            period_month,
            coalesce(bool_or(rule = 'not_rated' and not passed), false) as is_not_rated,
            coalesce(bool_or(rule = 'critical_gate' and not passed), false) as is_gated,
            coalesce(bool_or(rule = 'critical_error_watch' and not passed), false) as is_watched,
            coalesce(bool_and(passed or rule <> 'exceptional'), false) as is_exceptional,
            coalesce(bool_and(passed or rule <> 'strong'), false) as is_strong,
            coalesce(bool_or(rule = 'trajectory' and not passed), false) as is_on_a_bad_course
        from conditions
        group by agent_id, period_month

    ),

    final as (

        select
            *,
            case
                when is_not_rated then 'not_rated'
                when is_gated then 'below_expectations'
                when (is_exceptional or is_strong) and is_watched then 'developing'
                when is_exceptional then 'exceptional'
                when is_strong then 'strong'
                when is_on_a_bad_course then 'below_expectations'
                else 'developing'
            end as band,
            case
                when is_not_rated then 'not_rated'
                when is_gated or ((is_exceptional or is_strong) and is_watched) then 'critical_gate'
                when is_exceptional then 'exceptional'
                when is_strong then 'strong'
                when is_on_a_bad_course then 'trajectory'
                else 'developing'
            end as deciding_rule
        from fired

    )

    select * from final
{%- endmacro %}

{# What is missing to be rated, in words; `conditions` is an alias of the conditions of rule not_rated. #}
{% macro missing_text(conditions) -%}
    case {{ conditions }}.metric
        when 'overall_score' then 'an overall score for the quarter is missing'
        when 'tenure_days'
            then concat({{ conditions }}.observed, ' days of tenure where ', {{ conditions }}.required, ' are asked')
        when 'productive_days'
            then concat({{ conditions }}.observed, ' days worked in the quarter where ', {{ conditions }}.required, ' are asked')
        else 'no key metric has enough sample'
    end
{%- endmacro %}
