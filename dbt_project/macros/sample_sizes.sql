{# How many facts it takes to tell an improvement from chance; see statistics.sql for the intervals themselves. #}

{#
    Least sample at which the Wilson interval of a rate is no wider, to each side of its middle, than the improvement: the
    half width solved for the count.

    rate         0 to 1, the rate to be reached
    improvement  above 0; from a half on a single fact is enough by the formula
#}
{% macro wilson_sample_size(rate, improvement) -%}
    {%- set spread = '(' ~ rate ~ ' * (1 - ' ~ rate ~ '))' -%}
    greatest(1, cast(ceil(round(
        {{ z_score_95() }} * {{ z_score_95() }} * (
            {{ spread }} - 2 * {{ improvement }} * {{ improvement }}
            + sqrt(
                greatest(
                    0,
                    {{ spread }} * {{ spread }}
                    - 4 * {{ improvement }} * {{ improvement }} * {{ spread }}
                    + {{ improvement }} * {{ improvement }}
                )
            )
        ) / (2 * {{ improvement }} * {{ improvement }}), 6
    )) as bigint))
{%- endmacro %}

{# Least sample at which the normal interval of a mean is no wider to each side than the improvement. #}
{% macro normal_sample_size(variance, improvement) -%}
    greatest(1, cast(ceil(round(
        {{ z_score_95() }} * {{ z_score_95() }} * {{ variance }} / ({{ improvement }} * {{ improvement }}), 6
    )) as bigint))
{%- endmacro %}
