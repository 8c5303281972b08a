{#
    Leave-one-out expectation: what the peers of an agent needed, or achieved, on the same kind of work in the same month.

    cells    relation at grain agent_id, period_month and the dimensions: fact_count (facts), value_sum (sum of their values)
    levels   lists of dimension columns, nearest peers first; the first level with at least 30 facts of at least 3 other
             agents counts, so that nobody is compared with one lucky colleague
    Result: the columns of cells, peer_level (1-based, null: no peers, not covered), peer_mean (rounded to 6 decimals).
#}
{% macro peer_means(cells, dimensions, levels, minimum_facts=30, minimum_agents=3) -%}
    with cells as (

        select * from {{ cells }}

    ),
    {% for level in levels %}
    own_{{ loop.index }} as (

        select
            agent_id,
            period_month,
            {%- for column in level %}
            {{ column }},
            {%- endfor %}
            sum(fact_count) as fact_count,
            sum(value_sum) as value_sum
        from cells
        group by agent_id, period_month{% for column in level %}, {{ column }}{% endfor %}

    ),

    total_{{ loop.index }} as (

        select
            period_month,
            {%- for column in level %}
            {{ column }},
            {%- endfor %}
            sum(fact_count) as fact_count,
            sum(value_sum) as value_sum,
            count(*) as agent_count
        from own_{{ loop.index }}
        group by period_month{% for column in level %}, {{ column }}{% endfor %}

    ),

    peers_{{ loop.index }} as (

        select
            own.agent_id,
            own.period_month,
            {%- for column in level %}
            own.{{ column }},
            {%- endfor %}
            round({{ ratio('total.value_sum - own.value_sum', 'total.fact_count - own.fact_count') }}, 6)
                as peer_mean
        from own_{{ loop.index }} as own
        inner join total_{{ loop.index }} as total
            on
                own.period_month = total.period_month
                {%- for column in level %}
                and own.{{ column }} = total.{{ column }}
                {%- endfor %}
        where
            total.fact_count - own.fact_count >= {{ minimum_facts }}
            and total.agent_count - 1 >= {{ minimum_agents }}

    ),
    {% endfor %}
    final as (

        select
            cells.agent_id,
            cells.period_month,
            {%- for column in dimensions %}
            cells.{{ column }},
            {%- endfor %}
            cells.fact_count,
            cells.value_sum,
            case
                {%- for level in levels %}
                when peers_{{ loop.index }}.agent_id is not null then {{ loop.index }}
                {%- endfor %}
            end as peer_level,
            cast(coalesce(
                {%- for level in levels %}
                peers_{{ loop.index }}.peer_mean{{ ',' if not loop.last }}
                {%- endfor %}
            ) as decimal(18, 6)) as peer_mean
        from cells
        {%- for level in levels %}
        left join peers_{{ loop.index }}
            on
                cells.agent_id = peers_{{ loop.index }}.agent_id
                and cells.period_month = peers_{{ loop.index }}.period_month
                {%- set index = loop.index %}
                {%- for column in level %}
                and cells.{{ column }} = peers_{{ index }}.{{ column }}
                {%- endfor %}
        {%- endfor %}

    )

    select * from final
{%- endmacro %}
