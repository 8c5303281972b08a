{#
    Statistics that no engine brings along. Each takes and gives doubles; none looks at more than its own row.
#}

{# Standard score of a two-sided interval of 95 %. #}
{% macro z_score_95() -%}
    1.959964
{%- endmacro %}

{#
    Bound of the Wilson score interval of a rate (E. B. Wilson, JASA 22, 1927).

    rate   0 to 1; null gives null
    count  what the rate is of, at least 1 where the rate is not null
    side   'lower' or 'upper'
#}
{% macro wilson_bound(rate, count, side) -%}
    {%- set z = z_score_95() -%}
    greatest(0, least(1, (
        {{ rate }} + {{ z }} * {{ z }} / (2 * cast({{ count }} as double))
        {{ '-' if side == 'lower' else '+' }} {{ z }} * sqrt(
            {{ rate }} * (1 - {{ rate }}) / cast({{ count }} as double)
            + {{ z }} * {{ z }} / (4 * cast({{ count }} as double) * cast({{ count }} as double))
        )
    ) / (1 + {{ z }} * {{ z }} / cast({{ count }} as double))))
{%- endmacro %}

{#
    Two-sided p of a standard normal score, 1 - erf(|z| / sqrt 2), by the series of Abramowitz and Stegun 26.2.11. Its terms all
    have one sign, so nothing cancels: 60 of them are exact to 8 decimals up to |z| = 6, beyond which p is 0 to 8 decimals.
#}
{% macro normal_two_sided_p(z) -%}
    {%- set odd = namespace(product=1.0) -%}
    case
        when abs({{ z }}) > 6 then 0
        else greatest(0, 1 - 2 * exp(-0.5 * {{ z }} * {{ z }}) / sqrt(2 * pi()) * (
            abs({{ z }})
            {%- for term in range(1, 60) %}
            {%- set odd.product = odd.product * (2 * term + 1) %}
            + power(abs({{ z }}), {{ 2 * term + 1 }}) / cast({{ odd.product }} as double)
            {%- endfor %}
        ))
    end
{%- endmacro %}

{#
    How far a rate may lie from a level for the level still to be inside the rate's Wilson interval: the interval is the score
    test turned round. side '-' gives the least such rate, '+' the greatest.
#}
{% macro wilson_reach(level, count, side) -%}
    ({{ level }} {{ side }} {{ z_score_95() }} * sqrt(
        cast({{ level }} as double) * (1 - cast({{ level }} as double)) / cast({{ count }} as double)
    ))
{%- endmacro %}
