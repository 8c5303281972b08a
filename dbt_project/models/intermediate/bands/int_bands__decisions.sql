-- One row per agent and ended month: the rules that fired, the band and the rule that decided it.
with all_conditions as (

    select * from {{ ref('int_bands__conditions') }}

    union all

    select * from {{ ref('int_bands__looking_back') }}

),

decisions as (

    {{ band_decision('all_conditions') | indent(4) }}

)

select * from decisions
