{#
    Body of a model that finds, among spells of one agent, those to set aside because they overlap an accepted one.
    Greedy in order of first load, ties by id; a spell that overlaps only set-aside ones stays.

    spells   relation with agent_id, starts_at, ends_at (exclusive), first_loaded_at and the id column
    Result: id, is_overlapping, only for spells that overlap any other.

    Spells that overlap are few, so the greedy order is unrolled in rounds over the pairs alone. A chain longer than the rounds
    stays undecided (null): assert_overlaps_are_decided fails then, rather than a wrong one being kept in silence.

    touched  raw table of int_rows__touched, for a model of the row layer. An update looks only at spells that can overlap: those
             that did before, those of the days around the touched ones, and what the few spells of more than a day run into.
             All that overlap now are among them, so the result is whole.
#}
{% macro overlap_faults(spells, id, touched=none, rounds=12) -%}
    {%- set has_candidates = touched and (is_update() or not execute) -%}
    with {% if has_candidates -%}
    touched_days as (

        {% for shift in (-1, 0, 1) -%}
        select
            agent_id,
            {{ add_days('cast(starts_at as date)', shift) }} as utc_date
        from {{ spells }}
        where {{ id }} in ({{ touched_keys(touched) }})
        {{ 'union' if not loop.last }}
        {% endfor %}
    ),

    candidates as (

        select {{ id }} as spell_id
        from {{ this }}

        union

        select spells.{{ id }} as spell_id
        from {{ spells }} as spells
        inner join touched_days
            on
                spells.agent_id = touched_days.agent_id
                and cast(spells.starts_at as date) = touched_days.utc_date

        union

        select spells.{{ id }} as spell_id
        from {{ spells }} as spells
        inner join {{ spells }} as long_spells
            on
                spells.agent_id = long_spells.agent_id
                and spells.starts_at < long_spells.ends_at
                and long_spells.starts_at < spells.ends_at
        where long_spells.ends_at > long_spells.starts_at + interval '1' day

    ),

    {% endif -%}
    dated as (

        select
            {{ id }} as spell_id,
            agent_id,
            starts_at,
            ends_at,
            first_loaded_at,
            cast(starts_at as date) as utc_date
        from {{ spells }}
        where
            starts_at < ends_at
            {%- if has_candidates %}
            and {{ id }} in (select candidates.spell_id from candidates)
            {%- endif %}

    ),

    ordered as (

        select
            *,
            max(ends_at) over (
                partition by agent_id order by starts_at, ends_at, spell_id
                rows between unbounded preceding and 1 preceding
            ) as latest_end_before,
            min(starts_at) over (
                partition by agent_id order by starts_at, ends_at, spell_id
                rows between 1 following and unbounded following
            ) as earliest_start_after
        from dated

    ),

    suspects as (

        select *
        from ordered
        where starts_at < latest_end_before or earliest_start_after < ends_at

    ),

    pairs as (

        select
            later.spell_id,
            earlier.spell_id as earlier_id
        from suspects as later
        inner join suspects as earlier
            on
                later.agent_id = earlier.agent_id
                and later.starts_at < earlier.ends_at
                and earlier.starts_at < later.ends_at
                and (
                    earlier.first_loaded_at < later.first_loaded_at
                    or (
                        earlier.first_loaded_at = later.first_loaded_at
                        and earlier.spell_id < later.spell_id
                    )
                )

    ),

    decided_0 as (

        select
            suspects.spell_id,
            case when count(pairs.earlier_id) = 0 then false end as is_overlapping
        from suspects
        left join pairs on suspects.spell_id = pairs.spell_id
        group by suspects.spell_id

    ),
    {% for round in range(1, rounds + 1) %}
    decided_{{ round }} as (

        select
            decided.spell_id,
            case
                when decided.is_overlapping is not null then decided.is_overlapping
                when bool_or(not earlier.is_overlapping) then true
                when bool_and(coalesce(earlier.is_overlapping, false)) then false
            end as is_overlapping
        from decided_{{ round - 1 }} as decided
        left join pairs on decided.spell_id = pairs.spell_id
        left join decided_{{ round - 1 }} as earlier on pairs.earlier_id = earlier.spell_id
        group by decided.spell_id, decided.is_overlapping

    ),
    {% endfor %}
    final as (

        select
            spell_id as {{ id }},
            is_overlapping
        from decided_{{ rounds }}

    )

    select * from final
{%- endmacro %}
