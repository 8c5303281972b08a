{#
    The row layer - staging, and the models that judge raw rows against each other - is kept from run to run. A full build
    makes it of all landed files. An update reads only the files in the landing folder `_new`, and makes anew only the keys
    that their rows may have changed; every table then holds exactly what a full build would.

    What that rests on (ingest sees to it, else it asks for a full build): models, seeds and source are those of the last
    good build; as_of is not before that of any attempt since; no file read since has gone; `_new` holds every file that is
    not in the last good build, and every file with rows loaded after that build's as_of of which one may be visible now.
    A file may come again, so rows are replaced by where they stand. A killed run may have updated some tables and not others:
    therefore no model asks what changed since its own last state. It takes the keys from the files to be read, in
    int_rows__touched, or replaces whatever might have changed.
#}

{# True where the model updates its table, false where it makes it. A unit test without a `this` makes it. #}
{% macro is_update() -%}
    {{ return(this is not none and is_incremental()) }}
{%- endmacro %}

{#
    Settings of a model of the row layer.

    key      column or columns: rows of the table with the key of a row that comes are replaced
    touched  raw table of int_rows__touched: all rows with one of its keys (in `key`, a single column) go before the new ones
             come, as some may not come back; or 'all'

    Other engines and sources make the whole table each time: they have no folder of new files.
#}
{% macro kept_by(key, touched=none) -%}
    {{ return({
        'materialized': 'incremental' if target.type == 'duckdb' and ticketing_source() == 'native' else 'table',
        'incremental_strategy': 'replace_touched' if touched else 'delete+insert',
        'unique_key': key,
        'on_schema_change': 'fail',
        'meta': {'touched': touched} if touched else {},
    }) }}
{%- endmacro %}

{# Strategy of dbt for models with `touched`; both statements are of one transaction. #}
{% macro get_incremental_replace_touched_sql(arguments) -%}
    {%- set table = arguments['target_relation'] -%}
    {%- set rows_to_come = arguments['temp_relation'] -%}
    {%- set key = arguments['unique_key'] -%}
    {%- set touched = config.get('meta')['touched'] -%}
    {%- set columns = arguments['dest_columns'] | map(attribute='quoted') | join(', ') -%}
    delete from {{ table }}
    {%- if touched != 'all' %}
    where {{ key }} in (
        select key_id from {{ ref('int_rows__touched') }} where raw_table = '{{ touched }}'
        union all
        select {{ key }} from {{ rows_to_come }}
    )
    {%- endif %};

    insert into {{ table }} ({{ columns }})
    select {{ columns }} from {{ rows_to_come }}
{%- endmacro %}

{# Query for the touched keys of a raw table. #}
{% macro touched_keys(raw_table) -%}
    select touched.key_id from {{ ref('int_rows__touched') }} as touched where touched.raw_table = '{{ raw_table }}'
{%- endmacro %}

{# In an update: a further condition that keeps rows of touched keys only. #}
{% macro and_touched(key, raw_table) -%}
    {#- Also while dbt parses, so that it sees what the model reads. -#}
    {%- if is_update() or not execute -%}
    and {{ key }} in ({{ touched_keys(raw_table) }})
    {%- endif -%}
{%- endmacro %}

{# Landed rows to be read: all of a raw table, or in an update those of the files that are new to it. #}
{% macro landed_rows(table) -%}
    {%- set every_file = source('raw', table) -%}
    {#- Unit tests give new rows in the place of the source. -#}
    {{ return(new_files(table) if is_update() and model.resource_type == 'model' else every_file) }}
{%- endmacro %}

{% macro new_files(table) -%}
    {{ return(adapter.dispatch('new_files')(env_var('CX_STATE_ROOT', 'data/state') ~ '/landing/_new/' ~ table)) }}
{%- endmacro %}

{% macro default__new_files(folder) -%}
    {{ return("read_parquet('" ~ folder ~ "/*.parquet')") }}
{%- endmacro %}

{% macro spark__new_files(folder) -%}
    {{ return('parquet.`' ~ folder ~ '`') }}
{%- endmacro %}

{# Columns (each its meta and name) and key of a raw table of the contract, read from _native__sources.yml. #}
{% macro contract_of(table) -%}
    {%- if not execute -%}
        {{ return({'columns': [], 'key': []}) }}
    {%- endif -%}
    {%- set node = graph.sources.values() | selectattr('source_name', 'equalto', 'raw')
        | selectattr('name', 'equalto', table) | first -%}
    {%- set columns = [] -%}
    {%- for name, column in node.columns.items() -%}
        {%- do columns.append(dict(column.config.meta, name=name)) -%}
    {%- endfor -%}
    {{ return({'columns': columns, 'key': node.config.meta.key}) }}
{%- endmacro %}
