-- One row per team and local day with a forecast: the version published last before the day had begun.
-- What is forecast during the day knows how the day goes; so does a new version of the same forecast,
-- which must not take the place of the one that staffing was planned by.
with withdrawn as (

    select forecast_id
    from {{ ref('stg_native__volume_forecasts') }}
    where disposition = 'deleted'

),

versions as (

    select
        team_days.team_id,
        team_days.period_month,
        team_days.local_date,
        forecasts.forecast_contacts,
        row_number() over (
            partition by team_days.team_id, team_days.local_date
            order by
                forecasts.published_at desc,
                forecasts._loaded_at desc,
                forecasts._sequence desc nulls last,
                forecasts.forecast_id desc
        ) as recency
    from {{ ref('stg_native__volume_forecasts') }} as forecasts
    inner join {{ ref('int_teams__days') }} as team_days
        on
            forecasts.team_id = team_days.team_id
            and forecasts.forecast_date = team_days.local_date
            and forecasts.published_at <= team_days.starts_at
    left join withdrawn on forecasts.forecast_id = withdrawn.forecast_id
    where
        forecasts.disposition in ('used', 'superseded')
        and not forecasts._deleted
        and withdrawn.forecast_id is null

)

select
    team_id,
    period_month,
    local_date,
    forecast_contacts
from versions
where recency = 1
