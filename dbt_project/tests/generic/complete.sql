{# Fails on every row with a null in any of the columns; `config: where` limits the rows that have to be complete. #}
{% test complete(model, columns) %}
select
    {%- for column in columns %}
    {{ adapter.quote(column) }}{{ ',' if not loop.last }}
    {%- endfor %}
from {{ model }}
where
    {%- for column in columns %}
    {{ 'or ' if not loop.first }}{{ adapter.quote(column) }} is null
    {%- endfor %}
{% endtest %}
