-- One row per agent and local day of int_pulse__agent_days: control limits of the charted measures
-- from the 28 calendar days before, with at least 10 charted days among them, and what signals.
-- An hour and three contacts are far below a day's work, and enough for a rate that means something.
{{ control_chart(
    figures=ref('int_pulse__agent_days'),
    calendar='(select date_day as local_date from ' ~ ref('dim_dates') ~ ')',
    point='local_date',
    span=28,
    minimum=10,
    run=9,
    measures=pulse_measures(minimum_hours=1, minimum_contacts=3)
) }}
