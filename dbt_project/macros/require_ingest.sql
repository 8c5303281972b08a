{# Start of a run by hand: without landed data every model would fail with a reader's error, so say what to do instead. #}
{% macro require_ingest() -%}
    {%- if execute and flags.WHICH in ('build', 'run', 'test', 'seed') -%}
        {{ return(adapter.dispatch('require_ingest')()) }}
    {%- endif -%}
{%- endmacro %}

{% macro default__require_ingest() -%}
    {%- set landed = env_var('CX_STATE_ROOT', 'data/state') ~ '/landing/_run/run.parquet' -%}
    {%- if run_query("select count(*) from glob('" ~ landed ~ "')").rows[0][0] == 0 -%}
        {{ exceptions.raise_compiler_error('Nothing has been ingested yet: there is no ' ~ landed ~ '. Run `cx run` once, then dbt by hand.') }}
    {%- endif -%}
    {{ return('') }}
{%- endmacro %}
