-- One row per agent and ended month with at least two rated months behind it: slope and p of its scores.
{{ trends(ref('int_bands__score_series'), ['agent_id', 'period_month']) }}
