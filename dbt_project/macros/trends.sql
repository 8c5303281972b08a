{#
    The trend of a short series: slope by Theil and Sen (median of the slopes of all pairs, per month) and the
    two-sided p of Mann and Kendall (normal approximation, corrected for continuity and ties).

    series  relation with the keys, month_number (integer, unique within the keys; 0 is the last) and score (0 to 100)
    Result: the keys, point_count, slope and mann_kendall_p (rounded to 6 decimals; null for a single point).
#}
{% macro trends(series, keys) -%}
    with series as (

        select
            {%- for key in keys %}
            {{ key }},
            {%- endfor %}
            month_number,
            cast(score as decimal(18, 6)) as score
        from {{ series }}

    ),

    pairs as (

        select
            {%- for key in keys %}
            later.{{ key }},
            {%- endfor %}
            cast(later.score - earlier.score as double) / (later.month_number - earlier.month_number) as pair_slope,
            sign(later.score - earlier.score) as pair_sign
        from series as later
        inner join series as earlier
            on
                earlier.month_number < later.month_number
                {%- for key in keys %}
                and later.{{ key }} = earlier.{{ key }}
                {%- endfor %}

    ),

    pair_sums as (

        select
            {{ keys | join(', ') }},
            median(pair_slope) as slope,
            cast(sum(cast(pair_sign as integer)) as integer) as concordance
        from pairs
        group by {{ keys | join(', ') }}

    ),

    ties as (

        select
            {{ keys | join(', ') }},
            score,
            count(*) as tied_count
        from series
        group by {{ keys | join(', ') }}, score

    ),

    counts as (

        select
            {{ keys | join(', ') }},
            cast(sum(tied_count) as bigint) as point_count,
            cast(sum(tied_count * (tied_count - 1) * (2 * tied_count + 5)) as bigint) as tie_correction
        from ties
        group by {{ keys | join(', ') }}

    ),

    scored as (

        select
            {%- for key in keys %}
            counts.{{ key }},
            {%- endfor %}
            counts.point_count,
            pair_sums.slope,
            case
                when pair_sums.concordance = 0 then 0
                else
                    (pair_sums.concordance - sign(pair_sums.concordance)) / sqrt(cast(
                        counts.point_count * (counts.point_count - 1) * (2 * counts.point_count + 5)
                        - counts.tie_correction as double
                    ) / 18)
            end as standard_score
        from counts
        inner join pair_sums
            on
                {%- for key in keys %}
                {{ 'and ' if not loop.first }}counts.{{ key }} = pair_sums.{{ key }}
                {%- endfor %}

    ),

    final as (

        select
            {{ keys | join(', ') }},
            point_count,
            {{ published('slope') }} as slope,
            {{ published(normal_two_sided_p('standard_score')) }} as mann_kendall_p
        from scored

    )

    select * from final
{%- endmacro %}

{# Course of an agent's scores; null slope (fewer months than asked for) is `new`. `rules` names the columns of band rules. #}
{% macro trajectory_of(slope, p, rules) -%}
    case
        when {{ slope }} is null then 'new'
        when {{ slope }} <= {{ rules }}.declining_slope and {{ p }} < {{ rules }}.declining_p then 'declining'
        when {{ slope }} >= {{ rules }}.improving_slope then 'improving'
        else 'flat'
    end
{%- endmacro %}
