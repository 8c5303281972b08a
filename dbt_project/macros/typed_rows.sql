{#
    One raw table of the contract, typed, with one disposition for every landed row.

    table     name of the table in source `raw`; its columns, types, key and event times are read from _native__sources.yml,
              so that ingest and staging cannot disagree about the contract.
    rules     pairs of (reason, SQL condition over the typed columns); the first that is true quarantines the row.

    listed    {column, in (a seed), reason}: a value of the column that the seed's column of that name does not list

    Result: the contract's columns typed; _loaded_at, _deleted, _sequence; raw_file, raw_row (where the row stands);
    fault_column (first column that does not read), disposition (used, duplicate, superseded, deleted,
    quarantined:<reason>), first_loaded_at (of the key's first sound version).

    A row's own cells are judged before the current version is chosen: the last good version counts.
    An update stages the rows of new files, and anew the other versions of their keys.
#}
{% macro typed_rows(table, rules=[], listed=none) -%}
    {{ config(**kept_by(['raw_file', 'raw_row'])) }}
    {%- set contract_of_table = contract_of(table) -%}
    {%- set columns = contract_of_table['columns'] -%}
    {%- set key = contract_of_table['key'] -%}
    {%- set technical = [
        {'name': '_loaded_at', 'type': 'timestamp'},
        {'name': '_deleted', 'type': 'boolean', 'nullable': true},
        {'name': '_sequence', 'type': 'integer', 'nullable': true},
    ] -%}
    {%- set every = columns + technical -%}
    {%- set all_rules = rules + ([(listed.reason, 'is_unlisted')] if listed else []) -%}

    with landed as (

        select
            {%- for column in every %}
            {{ cleaned_cell(column.name) }} as {{ column.name }}_text,
            {%- endfor %}
            _file as raw_file,
            _row as raw_row
        from {{ landed_rows(table) }}

    ),

    typed as (

        select
            {%- for column in every %}
            {{ read_cell(column) }} as {{ column.name }},
            {{ column.name }}_text,
            {%- endfor %}
            raw_file,
            raw_row
        from landed

    ),

    visible as (

        select
            typed.*
            {%- if listed %},
            typed.{{ listed.column }} is not null and listed_values.{{ listed.column }} is null
                as is_unlisted
            {%- endif %}
        from typed
        cross join {{ ref('stg_landing__runs') }} as runs
        {%- if listed %}
        left join (select distinct {{ listed.column }} from {{ ref(listed.in) }}) as listed_values
            on typed.{{ listed.column }} = listed_values.{{ listed.column }}
        {%- endif %}
        where typed._loaded_at is null or typed._loaded_at <= runs.as_of

    ),

    arrived as (

        select
            *,
            {{ first_fault(columns, key, technical, all_rules, 'reason') }} as fault,
            {{ first_fault(columns, key, technical, all_rules, 'column') }} as fault_column
        from visible

    ),

    {% if is_update() -%}
    {{ versions_before(every | map(attribute='name') | list, key) }},

    {% endif -%}
    judged as (

        select
            {%- for column in every %}
            {{ column.name }},
            {%- endfor %}
            raw_file,
            raw_row,
            fault,
            fault_column
        from arrived
        {% if is_update() -%}
        union all
        select * from versions_before
        {%- endif %}

    ),

    {{ versioned('judged', key, columns | map(attribute='name') | list) }}

    select
        {%- for column in columns %}
        rows_of_table.{{ column.name }},
        {%- endfor %}
        rows_of_table._loaded_at,
        coalesce(rows_of_table._deleted, false) as _deleted,
        rows_of_table._sequence,
        rows_of_table.raw_file,
        rows_of_table.raw_row,
        rows_of_table.fault_column,
        coalesce(version_ranks.first_loaded_at, rows_of_table._loaded_at) as first_loaded_at,
        case
            when rows_of_table.fault is not null
                then concat('quarantined:', rows_of_table.fault)
            when version_ranks.is_conflicting then 'quarantined:conflicting_version'
            when version_ranks.copy_number > 1 then 'duplicate'
            when version_ranks.version_number > 1 then 'superseded'
            when rows_of_table._deleted then 'deleted'
            else 'used'
        end as disposition
    from judged as rows_of_table
    left join version_ranks
        on
            rows_of_table.raw_file = version_ranks.raw_file
            and rows_of_table.raw_row = version_ranks.raw_row
{%- endmacro %}


{#
    CTE `versions_before`, in an update: the sound rows already staged, of other files, whose keys sound rows come for. Their
    place among the versions may change; a row with a fault of its own has none.
#}
{% macro versions_before(columns, key) -%}
    arrived_files as (

        select distinct raw_file
        from landed

    ),

    arrived_keys as (

        select distinct {{ key | join(', ') }}
        from arrived
        where fault is null

    ),

    versions_before as (

        select
            {%- for column in columns %}
            staged.{{ column }},
            {%- endfor %}
            staged.raw_file,
            staged.raw_row,
            cast(null as {{ dbt.type_string() }}) as fault,
            staged.fault_column
        from {{ this }} as staged
        inner join arrived_keys
            on
                {%- for column in key %}
                {{ 'and ' if not loop.first }}staged.{{ column }} = arrived_keys.{{ column }}
                {%- endfor %}
        left join arrived_files on staged.raw_file = arrived_files.raw_file
        where
            arrived_files.raw_file is null
            and (
                staged.disposition not like 'quarantined:%'
                or staged.disposition = 'quarantined:conflicting_version'
            )

    )
{%- endmacro %}


{#
    CTE `version_ranks`: place of each sound row among the versions of its key. Only keys that occur more than once are
    windowed: almost all rows are the only one of theirs.
#}
{% macro versioned(rows, key, payload_columns) -%}
    repeated_keys as (

        select {{ key | join(', ') }}
        from {{ rows }}
        where fault is null
        group by {{ key | join(', ') }}
        having count(*) > 1

    ),

    contested as (

        select
            {%- for column in key %}
            {{ rows }}.{{ column }},
            {%- endfor %}
            {{ rows }}._loaded_at,
            {{ rows }}._sequence,
            {{ rows }}.raw_file,
            {{ rows }}.raw_row,
            -- The unit separator keeps the cells apart: text such as a|b may stand in any of them.
            md5(concat_ws(
                chr(31),
                coalesce(cast({{ rows }}._deleted as {{ dbt.type_string() }}), 'false')
                {%- for column in payload_columns %},
                coalesce(cast({{ rows }}.{{ column }} as {{ dbt.type_string() }}), '<null>')
                {%- endfor %}
            )) as payload
        from {{ rows }}
        inner join repeated_keys
            on
                {%- for column in key %}
                {{ 'and ' if not loop.first }}{{ rows }}.{{ column }} = repeated_keys.{{ column }}
                {%- endfor %}
        where {{ rows }}.fault is null

    ),

    stamped as (

        select
            *,
            min(payload) over (partition by {{ key | join(', ') }}, _loaded_at, _sequence)
            <> max(payload) over (partition by {{ key | join(', ') }}, _loaded_at, _sequence)
                as is_conflicting,
            row_number() over (
                partition by {{ key | join(', ') }}, _loaded_at, _sequence
                order by raw_file, raw_row
            ) as copy_number
        from contested

    ),

    version_ranks as (

        select
            raw_file,
            raw_row,
            is_conflicting,
            copy_number,
            min(case when not is_conflicting then _loaded_at end)
                over (partition by {{ key | join(', ') }}) as first_loaded_at,
            case
                when not is_conflicting and copy_number = 1
                    then row_number() over (
                        partition by {{ key | join(', ') }}, is_conflicting, copy_number
                        order by _loaded_at desc, _sequence desc nulls last
                    )
            end as version_number
        from stamped

    )
{%- endmacro %}


{# Blanks around a cell are no content; the contract's four spellings of nothing are null. #}
{% macro cleaned_cell(name) -%}
    case when trim({{ name }}) not in ('', 'N/A', 'NULL', '-') then trim({{ name }}) end
{%- endmacro %}


{# A cleaned cell in its type of the contract; null where it does not read. #}
{% macro read_cell(column) -%}
    {%- set cell = column.name ~ '_text' -%}
    {%- set read -%}
        {%- if column.type in ('id', 'text') -%} {{ cell }}
        {%- elif column.type == 'enum' -%} case when {{ cell }} in ('{{ column['values'] | join("', '") }}') then {{ cell }} end
        {%- elif column.type == 'timestamp' -%} {{ read_instant(cell) }}
        {%- elif column.type == 'date' -%} case when {{ matches(cell, '^[0-9]{4}-[0-9]{2}-[0-9]{2}$') }} then try_cast({{ cell }} as date) end
        {%- elif column.type == 'boolean' -%} case when lower({{ cell }}) in ('true', '1') then true when lower({{ cell }}) in ('false', '0') then false end
        {%- elif column.type == 'integer' -%} case when {{ matches(cell, '^[+-]?[0-9]+([.]0+)?$') }} then try_cast(split_part({{ cell }}, '.', 1) as bigint) end
        {%- elif column.type == 'number' -%} case when {{ matches(cell, '^[+-]?([0-9]+([.][0-9]*)?|[.][0-9]+)([eE][+-]?[0-9]+)?$') }} then try_cast({{ cell }} as decimal(18, 6)) end
        {%- else -%} {{ exceptions.raise_compiler_error('_native__sources.yml: column ' ~ column.name ~ ' has no known type') }}
        {%- endif -%}
    {%- endset -%}
    {%- if column.default is defined -%} coalesce({{ read }}, case when {{ cell }} is null then {{ column.default }} end)
    {%- else -%} {{ read }}
    {%- endif -%}
{%- endmacro %}


{# CASE over the row's own cells: reason of the first fault, or the column it stands in. A tombstone needs its key and stamp only. #}
{% macro first_fault(columns, key, technical, rules, what) -%}
    case
        {%- for column in technical + columns %}
        {%- set cell = column.name ~ '_text' %}
        {%- set guard = '' if column in technical or column.name in key else 'not coalesce(_deleted, false) and ' %}
        {%- if not column.nullable and column.default is not defined %}
        when {{ guard }}{{ cell }} is null then {{ "'missing_value'" if what == 'reason' else "'" ~ column.name ~ "'" }}
        {%- endif %}
        {%- if column.type not in ('id', 'text') %}
        when {{ guard }}{{ cell }} is not null and {{ column.name }} is null
            then {{ unread_reason(column) if what == 'reason' else "'" ~ column.name ~ "'" }}
        {%- endif %}
        {%- endfor %}
        {%- for column in columns if column.event_time %}
        when not coalesce(_deleted, false) and {{ column.name }} > _loaded_at + interval '5' minute
            then {{ "'future'" if what == 'reason' else "'" ~ column.name ~ "'" }}
        {%- endfor %}
        {%- for reason, condition in rules %}
        when not coalesce(_deleted, false) and {{ condition }} then {{ "'" ~ reason ~ "'" if what == 'reason' else 'null' }}
        {%- endfor %}
    end
{%- endmacro %}


{% macro unread_reason(column) -%}
    {%- set cell = column.name ~ '_text' -%}
    {%- if column.type == 'timestamp' -%}
        case when {{ matches(cell, instant_pattern() ~ '$') }} or {{ matches(cell, '^[0-9]{4}-[0-9]{2}-[0-9]{2}$') }} then 'naive_timestamp' else 'unparseable' end
    {%- elif column.type in ('number', 'integer') -%}
        case when {{ matches(cell, '^[+-]?([Nn][Aa][Nn]|[Ii][Nn][Ff]([Ii][Nn][Ii][Tt][Yy])?)$') }} then 'not_finite' else 'unparseable' end
    {%- else -%} 'unparseable'
    {%- endif -%}
{%- endmacro %}
