{{ config(meta={"dagster": {"ref": {"name": "int_contacts__expected_handle"}}}) }}
-- A contact whose cell is lost among the levels of peers would leave handle time and expectation
-- alike, unseen.
with contacts as (

    select
        period_month,
        count(*) as contact_count,
        sum(handle_seconds) as handle_seconds
    from {{ ref('fct_contacts') }}
    where handle_seconds is not null
    group by period_month

),

cells as (

    select
        period_month,
        sum(fact_count) as contact_count,
        sum(value_sum) as handle_seconds
    from {{ ref('int_contacts__expected_handle') }}
    group by period_month

)

select
    coalesce(contacts.period_month, cells.period_month) as period_month,
    contacts.contact_count,
    cells.contact_count as cell_contact_count
from contacts
full outer join cells on contacts.period_month = cells.period_month
where
    coalesce(contacts.contact_count, 0) <> coalesce(cells.contact_count, 0)
    or coalesce(contacts.handle_seconds, 0) <> coalesce(cells.handle_seconds, 0)
