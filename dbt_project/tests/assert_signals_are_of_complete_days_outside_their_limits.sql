-- A signal is a promise to the team lead that something is worth a talk: a running day promises
-- nothing, and a value beyond a limit is beyond the limit that is shown. A value back inside would
-- mean that the chart judges other numbers than it publishes.
{% set measures = ['contacts_per_productive_hour', 'average_handle_seconds', 'schedule_adherence'] %}
with charted as (

    {% for measure in measures %}
    select
        agent_id,
        local_date,
        is_complete,
        is_signal,
        signal_rule,
        {{ measure }} as value,
        {{ measure }}_centre as centre,
        {{ measure }}_lower as lower_limit,
        {{ measure }}_upper as upper_limit,
        signal_rule like '%{{ measure }}:above_3_sigma%' as is_above,
        signal_rule like '%{{ measure }}:below_3_sigma%' as is_below
    from {{ ref('agent_daily_pulse') }}
    {{ 'union all' if not loop.last }}
    {% endfor %}

)

select * from charted
where
    is_signal <> (signal_rule is not null)
    or (is_signal and not is_complete)
    or centre < lower_limit
    or centre > upper_limit
    or (is_above and coalesce(value <= upper_limit, true))
    or (is_below and coalesce(value >= lower_limit, true))
