-- One row per agent and ended month: why the band is what it is, in one sentence for the agent.
with decisions as (

    select * from {{ ref('int_bands__decisions') }}

),

evidence as (

    select * from {{ ref('int_bands__evidence') }}

),

-- Team and target of one metric make one clause.
asked as (

    select
        agent_id,
        period_month,
        rule,
        metric,
        {{ listing('observed') }} as observed,
        replace({{ listing('required') }}, ', ', ' and ') as required
    from {{ ref('int_bands__conditions') }}
    where rule = 'strong' and not passed
    group by agent_id, period_month, rule, metric

),

clauses as (

    select
        conditions.agent_id,
        conditions.period_month,
        conditions.rule,
        {{ missing_text('conditions') }} as clause
    from {{ ref('int_bands__conditions') }} as conditions
    where conditions.rule = 'not_rated' and not conditions.passed

    union all

    select
        asked.agent_id,
        asked.period_month,
        asked.rule,
        concat(evidence.label, ' ', asked.observed, ' where ', asked.required, ' is asked') as clause
    from asked
    inner join evidence
        on
            asked.agent_id = evidence.agent_id
            and asked.period_month = evidence.period_month
            and asked.metric = evidence.metric

    union all

    select
        conditions.agent_id,
        conditions.period_month,
        conditions.rule,
        concat(
            evidence.label, ' missed ', {{ shown('evidence.target', 'evidence.value_unit') }}, ' in ',
            cast(evidence.missed_months as {{ dbt.type_string() }}), ' of ',
            cast(evidence.eligible_months as {{ dbt.type_string() }}), ' months',
            case when evidence.interval_lower is null then '' else ', more than chance explains' end
        ) as clause
    from {{ ref('int_bands__looking_back') }} as conditions
    inner join evidence
        on
            conditions.agent_id = evidence.agent_id
            and conditions.period_month = evidence.period_month
            and conditions.metric = evidence.metric
    where conditions.requirement = 'clearly_missed' and not conditions.passed

    union all

    select
        conditions.agent_id,
        conditions.period_month,
        conditions.rule,
        concat(
            'the overall score falls by ', {{ shown_number('-1 * courses.slope', 1) }},
            ' points a month after a strong month'
        ) as clause
    from {{ ref('int_bands__looking_back') }} as conditions
    inner join {{ ref('int_bands__courses') }} as courses
        on
            conditions.agent_id = courses.agent_id
            and conditions.period_month = courses.period_month
    where conditions.requirement = 'decline' and not conditions.passed

),

clause_texts as (

    select
        agent_id,
        period_month,
        rule,
        {{ listing('clause') }} as clause_text
    from clauses
    group by agent_id, period_month, rule

),

critical_errors as (

    select
        agent_id,
        period_month,
        concat(
            'critical errors in ', {{ shown('value', 'value_unit') }}, ' of ',
            cast(sample_size as {{ dbt.type_string() }}), ' evaluations where at most ',
            {{ shown('gate_threshold', 'value_unit') }}, ' is allowed'
        ) as text
    from evidence
    where gate_threshold is not null

)

select
    decisions.agent_id,
    decisions.period_month,
    case
        when decisions.deciding_rule = 'not_rated'
            then concat('Not rated: ', clause_texts.clause_text, '.')
        when decisions.deciding_rule = 'critical_gate' and decisions.band = 'below_expectations'
            then concat('Below expectations: ', critical_errors.text, ', which chance does not explain.')
        when decisions.deciding_rule = 'critical_gate'
            then concat(
                'Developing, though strong in all else: ', critical_errors.text,
                ', which chance may explain and the next months will show.'
            )
        when decisions.deciding_rule = 'exceptional'
            then concat(
                'Exceptional: every key target met, QA score and customer satisfaction among the best ',
                {{ shown_number('100 * (1 - subjects.exceptional_percentile)', 0) }},
                ' % of peers, first-contact resolution above the team, handle time in line with peers.'
            )
        when decisions.deciding_rule = 'strong'
            then 'Strong: every key target met, QA score and customer satisfaction at or above the team.'
        when decisions.deciding_rule = 'trajectory'
            then concat(
                'Below expectations, as the scores do not improve: ', clause_texts.clause_text, '.'
            )
        else concat('Developing: ', clause_texts.clause_text, '.')
    end as explanation
from decisions
inner join {{ ref('int_bands__subjects') }} as subjects
    on decisions.agent_id = subjects.agent_id and decisions.period_month = subjects.period_month
left join clause_texts
    on
        decisions.agent_id = clause_texts.agent_id
        and decisions.period_month = clause_texts.period_month
        and clause_texts.rule
        = case
            when decisions.deciding_rule = 'developing' then 'strong'
            else decisions.deciding_rule
        end
left join critical_errors
    on
        decisions.agent_id = critical_errors.agent_id
        and decisions.period_month = critical_errors.period_month
