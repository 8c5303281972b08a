-- One row per agent and ISO week of int_pulse__agent_weeks: control limits of the charted measures
-- from the 12 weeks before, with at least 6 charted weeks among them, and what signals. Four weeks,
-- the span of the daily chart, would be too few points for limits.
{{ control_chart(
    figures=ref('int_pulse__agent_weeks'),
    calendar='(select distinct ' ~ iso_week_start('date_day') ~ ' as week_start from '
        ~ ref('dim_dates') ~ ')',
    point='week_start',
    span=12,
    minimum=6,
    run=9,
    measures=pulse_measures(minimum_hours=4, minimum_contacts=10)
) }}
