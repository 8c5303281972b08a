{#
    Body of a query that cuts spells at UTC midnights: one row per spell and UTC date it touches, with the piece's bounds.
    Joins of spells with spells or local days are then equalities on (agent_id, utc_date), and pieces never count twice.

    spells    CTE with starts_at, ends_at
    columns   columns to carry
#}
{% macro utc_day_pieces(spells, columns) -%}
    select
        {{ columns | join(', ') }},
        cast(starts_at as date) as utc_date,
        starts_at,
        ends_at
    from {{ spells }}
    where starts_at < ends_at and cast(starts_at as date) = cast(ends_at as date)

    union all

    select
        {% for column in columns %}
        spells.{{ column }},
        {%- endfor %}
        dates.date_day as utc_date,
        greatest(spells.starts_at, cast(dates.date_day as timestamp)) as starts_at,
        least(spells.ends_at, cast({{ add_days('dates.date_day', 1) }} as timestamp)) as ends_at
    from {{ spells }} as spells
    inner join {{ ref('int_dates__utc') }} as dates
        on
            dates.date_day >= cast(spells.starts_at as date)
            and cast(dates.date_day as timestamp) < spells.ends_at
    where cast(spells.starts_at as date) <> cast(spells.ends_at as date)
{%- endmacro %}
