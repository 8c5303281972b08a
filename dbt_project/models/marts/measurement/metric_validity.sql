-- One row per pair of metrics, tier and month, the last of six: do agents whose contacts are rated
-- well also have satisfied customers, solve at once and see fewer of them again?
-- Spearman's rank correlation with the interval of D. G. Bonett and T. A. Wright (Psychometrika 65,
-- 2000): normal in Fisher's z with variance (1 + r^2 / 2) / (n - 3).
{% set pairs = [
    ('qa_score:csat', 'csat', 1),
    ('qa_score:fcr_rate', 'fcr_rate', 1),
    ('qa_score:repeat_contact_rate', 'repeat_contact_rate', -1),
] %}
{% set minimum_agents = 4 %}
with pairs as (

    {% for name, metric, sign in pairs %}
    select
        '{{ name }}' as metric_pair,
        '{{ metric }}' as metric,
        {{ sign }} as expected_sign
    {{ 'union all' if not loop.last }}
    {% endfor %}

),

months as (

    select distinct period_month from {{ ref('dim_dates') }}

),

tier_months as (

    select distinct
        months.period_month,
        agent_months.tier
    from {{ ref('int_measurement__agent_months') }} as agent_months
    inner join months
        on
            agent_months.period_month <= months.period_month
            and agent_months.period_month >= {{ add_months('months.period_month', -5) }}

),

summed as (

    select
        period_month,
        tier,
        metric,
        count(*) as agent_count,
        sum(qa_place * metric_place) as products,
        sum(qa_place * qa_place) as qa_squares,
        sum(metric_place * metric_place) as metric_squares
    from {{ ref('int_measurement__validity_ranks') }}
    group by period_month, tier, metric

),

correlated as (

    select
        period_month,
        tier,
        metric,
        agent_count,
        case
            when agent_count >= {{ minimum_agents }}
                then {{ published(
                    'cast(products as double)'
                    ~ ' / nullif(sqrt(cast(qa_squares as double)) * sqrt(cast(metric_squares as double)), 0)'
                ) }}
        end as rank_correlation
    from summed

),

-- A correlation of 1 or -1 lies at infinity in Fisher's z; so few agents prove nothing by it.
transformed as (

    select
        period_month,
        tier,
        metric,
        agent_count,
        rank_correlation,
        case
            when abs(rank_correlation) < 1 then 0.5 * ln((1 + rank_correlation) / (1 - rank_correlation))
        end as fisher_z,
        case
            when abs(rank_correlation) < 1
                then sqrt((1 + rank_correlation * rank_correlation / 2) / (agent_count - 3))
        end as standard_error
    from correlated

),

ends as (

    select
        period_month,
        tier,
        metric,
        agent_count,
        rank_correlation,
        exp(2 * (fisher_z - {{ z_score_95() }} * standard_error)) as lower_end,
        exp(2 * (fisher_z + {{ z_score_95() }} * standard_error)) as upper_end
    from transformed

),

-- Back from Fisher's z: tanh.
bounded as (

    select
        period_month,
        tier,
        metric,
        agent_count,
        rank_correlation,
        {{ published('(lower_end - 1) / (lower_end + 1)') }} as interval_lower,
        {{ published('(upper_end - 1) / (upper_end + 1)') }} as interval_upper
    from ends

)

select
    pairs.metric_pair,
    tier_months.tier,
    tier_months.period_month,
    cast(coalesce(bounded.agent_count, 0) as bigint) as n,
    bounded.rank_correlation,
    bounded.interval_lower,
    bounded.interval_upper,
    case when pairs.expected_sign = 1 then 'positive' else 'negative' end as expected_relation,
    case
        when bounded.interval_lower is null then null
        when bounded.interval_lower <= 0 and bounded.interval_upper >= 0 then 'no_relation'
        when bounded.rank_correlation * pairs.expected_sign > 0 then 'as_expected'
        else 'contradicts'
    end as interpretation,
    vintages.vintage,
    runs.as_of,
    runs.release_id
from tier_months
cross join pairs
cross join {{ ref('stg_landing__runs') }} as runs
left join bounded
    on
        tier_months.period_month = bounded.period_month
        and tier_months.tier = bounded.tier
        and pairs.metric = bounded.metric
left join {{ ref('int_measurement__month_vintages') }} as vintages
    on tier_months.period_month = vintages.period_month
