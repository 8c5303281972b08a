-- One row per agent, month and cell: the mean handle time of the nearest peers on the same work,
-- without the agent's own.
{{ peer_means(
    ref('int_contacts__handle_cells'),
    dimensions=['team_id', 'contact_type', 'channel', 'tier'],
    levels=[
        ['team_id', 'contact_type', 'channel', 'tier'],
        ['contact_type', 'channel', 'tier'],
        ['contact_type', 'tier'],
        ['tier'],
        ['contact_type'],
        [],
    ],
) }}
