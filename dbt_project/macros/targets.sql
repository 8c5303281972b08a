{#
    What a value is compared with its target by. Direction `band` (aht_index): the distance from 0.85 to 1, so that nobody
    gains by rushing; rounded as values are, as 1.10 - 1 would miss a target of 0.10 in binary.
#}
{% macro compared_value(value, direction) -%}
    case
        when {{ direction }} = 'band' and {{ value }} is not null
            then round(greatest({{ value }} - 1, 0.85 - {{ value }}, 0), 6)
        else {{ value }}
    end
{%- endmacro %}

{# Whether a compared value is at least as good as the target; null where there is none. #}
{% macro meets_target(compared, direction, target) -%}
    case
        when {{ compared }} is null then null
        when {{ direction }} = 'higher' then {{ compared }} >= {{ target }}
        else {{ compared }} <= {{ target }}
    end
{%- endmacro %}
