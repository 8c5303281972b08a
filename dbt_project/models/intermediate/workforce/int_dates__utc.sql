-- One row per UTC date on which an instant of a scorecard month can fall: local months start up to
-- a day before in UTC.
select date_day from {{ ref('dim_dates') }}

union distinct

select {{ add_days('min(date_day)', -1) }} as date_day from {{ ref('dim_dates') }}
