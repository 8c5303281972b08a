{{ config(meta={"dagster": {"ref": {"name": "int_people__coaching_controls"}}}) }}
-- A control shows what would have happened without coaching, so it is somebody else who was not
-- coached on the metric while the two spans last.
select
    chosen.session_id,
    chosen.agent_id,
    nearby.session_id as session_of_control
from {{ ref('int_people__coaching_controls') }} as chosen
inner join {{ ref('int_people__coaching_sessions') }} as sessions
    on chosen.session_id = sessions.session_id
inner join {{ ref('int_people__coaching_sessions') }} as nearby
    on
        chosen.agent_id = nearby.agent_id
        and sessions.focus_metric = nearby.focus_metric
        and nearby.held_on >= sessions.before_from
        and nearby.held_on <= sessions.after_to
