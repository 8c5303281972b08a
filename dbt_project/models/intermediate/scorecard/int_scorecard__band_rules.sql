-- One row per month: the parameters of the scorecard version in force, a column each. A parameter that
-- the version lacks stops the run before this (configuration check).
{% set rates = [
    'min_coverage', 'exceptional_percentile', 'exceptional_aht_low', 'exceptional_aht_high',
    'improving_slope', 'declining_slope', 'declining_p', 'confidence_band_grade',
    'confidence_indicative',
] %}
{% set counts = [
    'min_tenure_days', 'min_productive_days', 'clearly_missed_months', 'trajectory_months',
    'trajectory_min_months', 'declining_lookback',
] %}
select
    {%- for parameter in rates + counts %}
    cast(
        max(case when rules.parameter = '{{ parameter }}' then rules.value end)
        as {{ 'integer' if parameter in counts else 'decimal(18, 6)' }}
    ) as {{ parameter }},
    {%- endfor %}
    versions.period_month,
    versions.scorecard_version
from {{ ref('int_scorecard__versions_in_force') }} as versions
inner join {{ ref('band_rules') }} as rules on versions.scorecard_version = rules.version
group by versions.period_month, versions.scorecard_version
