-- The first and the last of the same events: a final solve without a first, or before it, means
-- that they were read differently.
select
    final.ticket_id,
    first_solves.solved_at as first_solved_at,
    final.solved_at as final_solved_at
from {{ ref('fct_solves') }} as final
left join {{ ref('fct_solves') }} as first_solves
    on final.ticket_id = first_solves.ticket_id and first_solves.solve_kind = 'first'
where
    final.solve_kind = 'final'
    and (first_solves.ticket_id is null or first_solves.solved_at > final.solved_at)
