-- One row per agent and ended month that is held down by a decline from strong: the least month overall
-- score, in whole points, with which the course would no longer be a decline.
with digits as (

    {% for digit in range(10) %}
    select {{ digit }} as digit
    {{ 'union all' if not loop.last }}
    {% endfor %}

),

points as (

    select tens.digit * 10 + ones.digit + 1 as point
    from digits as tens
    cross join digits as ones

),

declining as (

    select
        agent_id,
        period_month
    from {{ ref('int_bands__looking_back') }}
    where requirement = 'decline' and not passed

),

tried as (

    select
        series.agent_id,
        series.period_month,
        points.point,
        series.month_number,
        case when series.month_number = 0 then points.point else series.score end as score
    from {{ ref('int_bands__score_series') }} as series
    inner join declining
        on series.agent_id = declining.agent_id and series.period_month = declining.period_month
    inner join {{ ref('int_bands__subjects') }} as subjects
        on
            series.agent_id = subjects.agent_id
            and series.period_month = subjects.period_month
    inner join points on points.point > subjects.month_overall_score

),

tried_trends as (

    {{ trends('tried', ['agent_id', 'period_month', 'point']) | indent(4) }}

)

select
    tried_trends.agent_id,
    tried_trends.period_month,
    min(tried_trends.point) as month_overall_score
from tried_trends
inner join {{ ref('int_scorecard__band_rules') }} as rules
    on tried_trends.period_month = rules.period_month
where {{ trajectory_of('tried_trends.slope', 'tried_trends.mann_kendall_p', 'rules') }} <> 'declining'
group by tried_trends.agent_id, tried_trends.period_month
