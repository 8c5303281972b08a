{#
    Takes the place of dbt's macro of the same name, which seeds call to note what they ran. dbt's own also files that SQL under
    the seed's path, and below an absolute CX_SEED_ROOT that path is the business's CSV itself, which would be overwritten.
    Here nothing is filed.
#}
{% macro noop_statement(name=none, message=none, code=none, rows_affected=none, res=none) -%}
    {#- dbt hands the SQL over as a call block, which must be taken even where it is not filed. -#}
    {%- set ran = caller() -%}
    {%- if name is not none -%}
        {{ store_raw_result(name, message=message, code=code, rows_affected=rows_affected, agate_table=res) }}
    {%- endif -%}
{%- endmacro %}
