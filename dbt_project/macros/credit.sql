{#
    Who is credited with a piece of work: the first of two people who is human (in the roster, no bot); where neither is,
    the bucket of the first who is named. One rule for solves and surveys. The roster aliases are left joins on dim_agents.
#}
{% macro credited_agent(first_id, first_roster, second_id, second_roster) -%}
    case
        when not {{ first_roster }}.is_bot then {{ first_id }}
        when not {{ second_roster }}.is_bot then {{ second_id }}
    end
{%- endmacro %}

{% macro credit_bucket(first_id, first_roster, second_id, second_roster) -%}
    case
        when not {{ first_roster }}.is_bot or not {{ second_roster }}.is_bot then 'agent'
        when {{ first_roster }}.is_bot then 'system'
        when {{ first_id }} is not null then 'unknown'
        when {{ second_roster }}.is_bot then 'system'
        when {{ second_id }} is not null then 'unknown'
        else 'unassigned'
    end
{%- endmacro %}

{# Join of a fact to the spell of team, tier and local month that covers its instant; no match = no assignment then. #}
{% macro join_local_month(alias, agent_id, instant, kind='left') -%}
    {{ kind }} join {{ ref('int_assignments__local_months') }} as {{ alias }}
        on
            {{ agent_id }} = {{ alias }}.agent_id
            and {{ month_of(instant) }} = {{ alias }}.utc_month
            and {{ instant }} >= {{ alias }}.starts_at
            and {{ instant }} < {{ alias }}.ends_at
{%- endmacro %}

{# Join of a fact to the agent's assignment at its instant, whether or not that month is on the scorecard. #}
{% macro join_assignment(alias, agent_id, instant) -%}
    left join {{ ref('dim_agent_assignments') }} as {{ alias }}
        on
            {{ agent_id }} = {{ alias }}.agent_id
            and {{ instant }} >= {{ alias }}.starts_at
            and ({{ alias }}.ends_at is null or {{ instant }} < {{ alias }}.ends_at)
{%- endmacro %}
