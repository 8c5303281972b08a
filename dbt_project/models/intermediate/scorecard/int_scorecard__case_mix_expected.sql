-- One row per agent, month, metric and cell: the rate of the nearest peers on the same work, without
-- the agent's own.
{{ peer_means(
    ref('int_scorecard__case_mix_cells'),
    dimensions=['metric', 'team_id', 'tier', 'contact_type', 'contact_family'],
    levels=[
        ['metric', 'contact_type', 'tier'],
        ['metric', 'contact_family', 'tier'],
        ['metric', 'tier'],
        ['metric', 'contact_type'],
        ['metric'],
    ],
) }}
