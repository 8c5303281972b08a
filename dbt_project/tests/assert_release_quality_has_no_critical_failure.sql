-- Both sides of every conservation equation stand in release_quality; where they differ, figures do
-- not add up and nothing may be published. Warnings travel with the release.
select
    {{ adapter.quote('check') }},
    observed,
    required
from {{ ref('release_quality') }}
where severity = 'critical' and not coalesce(passed, false)
