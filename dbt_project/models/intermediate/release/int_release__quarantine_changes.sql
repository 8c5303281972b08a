-- One row per raw row that is set aside now or was in the release before: what came of it since.
-- A row is known by its file's content, as a file may get another name.
with files as (

    select
        raw_table,
        raw_file,
        sha256
    from {{ ref('stg_landing__files') }}

),

-- Files with the same content are landed once, so a content has one name.
before as (

    select
        rows_before.raw_table,
        rows_before.sha256,
        rows_before.raw_row,
        files.raw_file
    from {{ ref('stg_batch__quarantined_rows') }} as rows_before
    left join files
        on rows_before.raw_table = files.raw_table and rows_before.sha256 = files.sha256

),

now as (

    select
        quarantined.raw_table,
        files.sha256,
        quarantined.raw_row
    from {{ ref('int_rows__quarantined') }} as quarantined
    inner join files
        on
            quarantined.raw_table = files.raw_table
            and quarantined.raw_file = files.raw_file

),

-- Few rows are set aside, so the many are read for these only.
disposed as (

    select
        before.raw_table,
        before.sha256,
        before.raw_row,
        dispositions.disposition
    from before
    inner join {{ ref('int_rows__dispositions') }} as dispositions
        on
            before.raw_table = dispositions.raw_table
            and before.raw_file = dispositions.raw_file
            and before.raw_row = dispositions.raw_row

),

followed as (

    select
        before.raw_table,
        before.sha256,
        before.raw_row,
        case
            when disposed.disposition like 'quarantined:%' then 'still_set_aside'
            when disposed.disposition is not null then 'healed'
            when before.raw_file is null then 'taken_away'
            else 'lost'
        end as change
    from before
    left join disposed
        on
            before.raw_table = disposed.raw_table
            and before.sha256 = disposed.sha256
            and before.raw_row = disposed.raw_row

),

added as (

    select
        now.raw_table,
        now.sha256,
        now.raw_row,
        'new' as change
    from now
    left join before
        on
            now.raw_table = before.raw_table
            and now.sha256 = before.sha256
            and now.raw_row = before.raw_row
    where before.raw_row is null

)

select * from followed
union all
select * from added
