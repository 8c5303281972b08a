-- The parts of agents, teams and tiers are the same facts, so each kind of scope adds up to the
-- company. Two metrics are no sums by intent: the spread is around each agent's own mean, and an
-- agent of two teams is employed in both.
-- Published numbers are rounded to 6 decimals each, so as many millionths may separate the two
-- sides as there are scopes.
with scopes as (

    select
        scope_kind,
        period_month,
        period_window,
        metric,
        sum(cast(numerator as decimal(28, 6))) as numerator,
        sum(cast(denominator as decimal(28, 6))) as denominator,
        count(*) * cast(0.000001 as decimal(9, 6)) as tolerance
    from {{ ref('int_scorecard__metric_values') }}
    where scope_kind <> 'company' and metric not in ('qa_consistency', 'kb_contributions')
    group by scope_kind, period_month, period_window, metric

),

company as (

    select
        period_month,
        period_window,
        metric,
        cast(numerator as decimal(28, 6)) as numerator,
        cast(denominator as decimal(28, 6)) as denominator
    from {{ ref('int_scorecard__metric_values') }}
    where scope_kind = 'company' and metric not in ('qa_consistency', 'kb_contributions')

),

scope_kinds as (

    select 'agent' as scope_kind
    union all
    select 'team' as scope_kind
    union all
    select 'tier' as scope_kind

)

select
    scope_kinds.scope_kind,
    company.period_month,
    company.period_window,
    company.metric,
    company.numerator as company_numerator,
    scopes.numerator as scopes_numerator,
    company.denominator as company_denominator,
    scopes.denominator as scopes_denominator
from company
cross join scope_kinds
left join scopes
    on
        scope_kinds.scope_kind = scopes.scope_kind
        and company.period_month = scopes.period_month
        and company.period_window = scopes.period_window
        and company.metric = scopes.metric
where
    scopes.metric is null
    or abs(company.numerator - scopes.numerator) > scopes.tolerance
    or abs(company.denominator - scopes.denominator) > scopes.tolerance
