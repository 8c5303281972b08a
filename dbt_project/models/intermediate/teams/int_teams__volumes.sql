-- One row per team and month: contacts handled and forecast. Only days with a positive forecast can be
-- compared, so both sides of the error are summed over the same team_days.
with contacts as (

    select
        contacts.team_id,
        contacts.period_month,
        cast({{ utc_to_local('contacts.first_interaction_at', 'teams.timezone') }} as date)
            as local_date,
        count(*) as contact_count
    from {{ ref('fct_contacts') }} as contacts
    inner join {{ ref('dim_teams') }} as teams on contacts.team_id = teams.team_id
    group by
        contacts.team_id,
        contacts.period_month,
        cast({{ utc_to_local('contacts.first_interaction_at', 'teams.timezone') }} as date)

),

daily as (

    select
        team_days.team_id,
        team_days.period_month,
        coalesce(contacts.contact_count, 0) as contact_count,
        forecasts.forecast_contacts,
        coalesce(forecasts.forecast_contacts > 0, false) as is_compared
    from {{ ref('int_teams__days') }} as team_days
    left join contacts
        on team_days.team_id = contacts.team_id and team_days.local_date = contacts.local_date
    left join {{ ref('int_teams__forecasts') }} as forecasts
        on team_days.team_id = forecasts.team_id and team_days.local_date = forecasts.local_date

)

select
    team_id,
    period_month,
    sum(contact_count) as volume_handled,
    sum(forecast_contacts) as volume_forecast,
    sum(case when is_compared then 1 else 0 end) as forecast_days,
    sum(case when is_compared then contact_count end) as compared_handled,
    sum(case when is_compared then forecast_contacts end) as compared_forecast
from daily
group by team_id, period_month
