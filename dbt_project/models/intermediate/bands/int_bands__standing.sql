-- One row per agent and ended month: how the month stands before its history is looked at. Whether it is
-- rated, and whether it is strong or better, does not depend on other months, so histories can rest on it.
with decisions as (

    {{ band_decision(ref('int_bands__conditions')) | indent(4) }}

)

select
    agent_id,
    period_month,
    not is_not_rated as is_rated,
    band in ('strong', 'exceptional') as is_strong
from decisions
