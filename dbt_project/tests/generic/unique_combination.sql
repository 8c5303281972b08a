{# Fails on every combination of the columns that stands in more than one row; nulls count as equal. #}
{% test unique_combination(model, columns) %}
select
    {%- for column in columns %}
    {{ adapter.quote(column) }},
    {%- endfor %}
    count(*) as row_count
from {{ model }}
group by
    {%- for column in columns %}
    {{ adapter.quote(column) }}{{ ',' if not loop.last }}
    {%- endfor %}
having count(*) > 1
{% endtest %}
