-- One row per agent, ticket and local month with at least one interaction: a contact handled. Team,
-- tier, contact type and channel are those of its first interaction in the month; handle time is
-- capped per contact.
with ranked as (

    select
        *,
        row_number() over (
            partition by agent_id, ticket_id, period_month order by started_at, interaction_id
        ) as interaction_number
    from {{ ref('int_interactions__credited') }}

),

totals as (

    select
        agent_id,
        ticket_id,
        period_month,
        count(*) as interaction_count,
        sum(case when is_plausible then handle_seconds end) as plausible_seconds
    from ranked
    group by agent_id, ticket_id, period_month

),

first_interactions as (

    select *
    from ranked
    where interaction_number = 1

)

select
    first_interactions.agent_id,
    first_interactions.ticket_id,
    first_interactions.period_month,
    first_interactions.team_id,
    first_interactions.tier,
    first_interactions.started_at as first_interaction_at,
    first_interactions.channel,
    types.contact_type,
    types.contact_family,
    types.is_escalation_by_design,
    totals.interaction_count,
    -- Not least(): it would take the cap where there is no plausible time at all.
    cast(
        case
            when totals.plausible_seconds > {{ var('handle_cap_seconds') }}
                then {{ var('handle_cap_seconds') }}
            else totals.plausible_seconds
        end as decimal(18, 6)
    ) as handle_seconds,
    first_interactions.tier = 'T1' and not types.is_escalation_by_design as is_escalatable,
    first_interactions.tier = 'T1' and not types.is_escalation_by_design
    and escalations.agent_id is not null as is_escalated
from first_interactions
inner join totals
    on
        first_interactions.agent_id = totals.agent_id
        and first_interactions.ticket_id = totals.ticket_id
        and first_interactions.period_month = totals.period_month
inner join {{ ref('int_tickets__scoped') }} as tickets
    on first_interactions.ticket_id = tickets.ticket_id
{{ join_contact_type_at(
    'changed', 'first_interactions.ticket_id', 'first_interactions.started_at'
) }}
inner join {{ ref('dim_contact_types') }} as types
    on coalesce(changed.contact_type, tickets.contact_type) = types.contact_type
left join {{ ref('int_escalations__handed_off') }} as escalations
    on
        first_interactions.agent_id = escalations.agent_id
        and first_interactions.ticket_id = escalations.ticket_id
        and first_interactions.period_month = escalations.period_month
