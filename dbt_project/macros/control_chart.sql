{#
    Body of a model: a control chart for individual values (XmR, W. A. Shewhart; D. J. Wheeler) for every measure of an agent.
    Centre and limits of a point come from the points before it alone, so a bad day does not widen its own limits.

    figures    relation at grain agent_id, point, with is_complete, the measures and their bases
    calendar   relation or subquery with every point there is, one row each: span counts its points, worked or not
    point      column of both that holds the point (a date)
    span       calendar points before a point from which its limits come
    minimum    charted points that must be among them, else there are no limits and no signal
    run        charted points in a row on one side of their centres that make a signal (L. S. Nelson's rule 2)
    measures   list of {name, base, minimum, ceiling}: see pulse_measures()

    Limits are the centre plus and minus 2.66 mean moving ranges: 3 / d2, where d2 = 1.128 is the mean range of two values of
    unit standard deviation. Both values of a moving range lie in the span. Equal values have no range: then there are no
    limits, since any change at all would be beyond them.
    Result: agent_id, point, then for each measure <m>_centre, <m>_lower, <m>_upper and <m>_signal (the rules that fired,
    joined by ;, or null). A row for every row of figures.
#}
{% macro control_chart(figures, calendar, point, span, minimum, run, measures) -%}
    {%- set factor = 2.66 -%}
    with figures as (

        select * from {{ figures }}

    ),

    charted as (

        {% for measure in measures %}
        select
            agent_id,
            {{ point }},
            '{{ measure.name }}' as measure,
            cast({{ measure.name }} as decimal(18, 6)) as value
        from figures
        where
            is_complete
            and {{ measure.name }} is not null
            and {{ measure.base }} >= {{ measure.minimum }}
        {{ 'union all' if not loop.last }}
        {% endfor %}

    ),

    ranged as (

        select
            agent_id,
            {{ point }},
            measure,
            value,
            abs(
                value - lag(value) over (partition by agent_id, measure order by {{ point }})
            ) as moving_range
        from charted

    ),

    agents as (

        select
            agent_id,
            min({{ point }}) as first_point,
            max({{ point }}) as last_point
        from figures
        group by agent_id

    ),

    measures as (

        {% for measure in measures %}
        select
            '{{ measure.name }}' as measure,
            {{ measure.ceiling | default('cast(null as double)') }} as ceiling
        {{ 'union all' if not loop.last }}
        {% endfor %}

    ),

    -- Without gaps, so that a count of rows is a count of calendar points.
    timeline as (

        select
            agents.agent_id,
            calendar.{{ point }},
            measures.measure,
            measures.ceiling,
            ranged.value,
            ranged.moving_range
        from agents
        inner join {{ calendar }} as calendar
            on
                calendar.{{ point }} >= agents.first_point
                and calendar.{{ point }} <= agents.last_point
        cross join measures
        left join ranged
            on
                agents.agent_id = ranged.agent_id
                and calendar.{{ point }} = ranged.{{ point }}
                and measures.measure = ranged.measure

    ),

    framed as (

        select
            agent_id,
            {{ point }},
            measure,
            ceiling,
            value,
            {% for column, expression in [
                ('value_sum', 'sum(value)'),
                ('value_count', 'count(value)'),
                ('range_sum', 'sum(moving_range)'),
                ('range_count', 'count(moving_range)'),
                ('first_charted', 'min(case when value is not null then ' ~ point ~ ' end)'),
            ] -%}
            {{ expression }} over (
                partition by agent_id, measure order by {{ point }}
                rows between {{ span }} preceding and 1 preceding
            ) as {{ column }}{{ ',' if not loop.last }}
            {% endfor %}
        from timeline

    ),

    -- The first charted point's range reaches back to a value before the span.
    trimmed as (

        select
            framed.agent_id,
            framed.{{ point }},
            framed.measure,
            framed.ceiling,
            framed.value,
            framed.value_sum,
            framed.value_count,
            framed.range_sum - coalesce(reaching_back.moving_range, 0) as range_sum,
            framed.range_count - case when reaching_back.moving_range is null then 0 else 1 end
                as range_count
        from framed
        left join ranged as reaching_back
            on
                framed.agent_id = reaching_back.agent_id
                and framed.measure = reaching_back.measure
                and framed.first_charted = reaching_back.{{ point }}

    ),

    centred as (

        select
            agent_id,
            {{ point }},
            measure,
            ceiling,
            cast(value as double) as value,
            case when value_count >= {{ minimum }} then {{ published(ratio('value_sum', 'value_count')) }} end
                as centre,
            case when range_sum > 0 then {{ factor }} * {{ ratio('range_sum', 'range_count') }} end
                as distance
        from trimmed

    ),

    -- Nothing charted goes below 0; where the formula would, 0 is the limit and cannot be crossed.
    limited as (

        select
            agent_id,
            {{ point }},
            measure,
            value,
            centre,
            case when centre - distance < 0 then 0 else {{ published('centre - distance') }} end as lower_limit,
            case when centre + distance > ceiling then ceiling else {{ published('centre + distance') }} end
                as upper_limit,
            case when value > centre then 1 when value < centre then -1 else 0 end as side
        from centred

    ),

    -- A point on its centre or without one ends a run, points that are not charted do not.
    sided as (

        select
            agent_id,
            {{ point }},
            measure,
            side,
            case
                when
                    side = lag(side) over (partition by agent_id, measure order by {{ point }})
                    then 0
                else 1
            end as is_turn
        from limited
        where value is not null

    ),

    numbered as (

        select
            agent_id,
            {{ point }},
            measure,
            side,
            sum(is_turn) over (
                partition by agent_id, measure order by {{ point }}
                rows between unbounded preceding and current row
            ) as run_number
        from sided

    ),

    runs as (

        select
            agent_id,
            {{ point }},
            measure,
            side,
            row_number() over (
                partition by agent_id, measure, run_number order by {{ point }}
            ) as run_length
        from numbered

    ),

    signals as (

        select
            limited.agent_id,
            limited.{{ point }},
            limited.measure,
            limited.centre,
            limited.lower_limit,
            limited.upper_limit,
            nullif(concat_ws(
                ';',
                case when limited.value > limited.upper_limit then concat(limited.measure, ':above_3_sigma') end,
                case when limited.value < limited.lower_limit then concat(limited.measure, ':below_3_sigma') end,
                case
                    when runs.run_length >= {{ run }} and runs.side = 1
                        then concat(limited.measure, ':run_of_{{ run }}_above')
                    when runs.run_length >= {{ run }} and runs.side = -1
                        then concat(limited.measure, ':run_of_{{ run }}_below')
                end
            ), '') as signal
        from limited
        left join runs
            on
                limited.agent_id = runs.agent_id
                and limited.{{ point }} = runs.{{ point }}
                and limited.measure = runs.measure

    )

    select
        figures.agent_id,
        figures.{{ point }}
        {%- for measure in measures %},
        {%- for column, source in [
            ('centre', 'centre'), ('lower', 'lower_limit'), ('upper', 'upper_limit'), ('signal', 'signal'),
        ] %}
        max(case when signals.measure = '{{ measure.name }}' then signals.{{ source }} end)
            as {{ measure.name }}_{{ column }}{{ ',' if not loop.last }}
        {%- endfor %}
        {%- endfor %}
    from figures
    left join signals
        on figures.agent_id = signals.agent_id and figures.{{ point }} = signals.{{ point }}
    group by figures.agent_id, figures.{{ point }}
{%- endmacro %}
