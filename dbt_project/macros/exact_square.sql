{#
    Square of a sum of scores, exact. The two widths are no slip: DuckDB keeps a product of decimals that both fit 64 bits in
    64 bits, where a sum above 1,000 points overflows, and Spark drops digits of a product wider than 38.
#}
{% macro exact_square(value) -%}
    (cast({{ value }} as decimal(19, 6)) * cast({{ value }} as decimal(18, 6)))
{%- endmacro %}
