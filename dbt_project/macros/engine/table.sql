{#
    How a table is made anew on DuckDB: dropped and created in one transaction, so that a killed build leaves the old one.
    The adapter's own way (another name, two renames, a drop after the commit, look-ups of indexes and foreign keys, which
    nothing here has) takes as long again as most of our models do. Other engines keep that of their adapters.
#}
{% materialization table, adapter='duckdb', supported_languages=['sql'] %}
    {%- set table = this.incorporate(type='table') -%}
    {{ run_hooks(pre_hooks, inside_transaction=True) }}
    {% call statement('main') -%}
        drop table if exists {{ table }};
        {{ create_table_as(False, table, compiled_code) }}
    {%- endcall %}
    {{ run_hooks(post_hooks, inside_transaction=True) }}
    {{ adapter.commit() }}
    {{ return({'relations': [table]}) }}
{% endmaterialization %}
