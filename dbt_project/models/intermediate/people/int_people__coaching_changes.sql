-- One row per focus metric, coaching day and agent with enough facts on both sides to speak of a
-- change. is_coached: coached on that metric somewhere in the whole span, so no control for
-- anybody.
{% set minimum_facts = 3 %}
with changes as (

    select
        *,
        {{ published('after_value - before_value') }} as change,
        -- Fixed decimals: the variances of the controls are added up.
        cast(before_variance + after_variance as decimal(28, 15)) as change_variance
    from {{ ref('int_people__coaching_windows') }}
    where
        before_count >= {{ minimum_facts }}
        and after_count >= {{ minimum_facts }}
        and before_value is not null
        and after_value is not null

),

coached as (

    select distinct
        changes.focus_metric,
        changes.held_on,
        changes.agent_id
    from changes
    inner join {{ ref('int_people__coaching_sessions') }} as sessions
        on
            changes.agent_id = sessions.agent_id
            and changes.focus_metric = sessions.focus_metric
            and sessions.held_on >= {{ add_days('changes.held_on', -28) }}
            and sessions.held_on <= {{ add_days('changes.held_on', 34) }}

)

select
    changes.focus_metric,
    changes.held_on,
    changes.agent_id,
    changes.tier,
    changes.before_value,
    changes.change,
    changes.change_variance,
    coached.agent_id is not null as is_coached
from changes
left join coached
    on
        changes.focus_metric = coached.focus_metric
        and changes.held_on = coached.held_on
        and changes.agent_id = coached.agent_id
