"""A second implementation of the scorecards, in plain Python, written from the definitions alone.

It exists to be compared with the marts: where both agree, a mistake would have to be made twice in
two different ways. So it favours plain reading over speed and shares nothing with `dbt_project/`,
not even the raw contract.

`raw_rows.py`   raw files -> typed rows, each table reduced to the rows that count
`workforce.py`  ends of open states, overlaps, the version of a schedule segment that governs
`people.py`     who is credited: roster, assignments, local days and months, home teams
`tickets.py`    scope, values at an instant, solves and solvers, repeat contacts
`facts.py`      one fact per thing that counts in one of the 13 metrics
`peers.py`      means of peers who did the like
`fairness.py`   intervals, case-mix adjustment, stabilised values, percentiles
`scorecard.py`  sums of facts -> values, attainment, points and scores
`bands.py`      rules and trajectory -> bands
`comparison.py` reference against the published Parquet files, cell by cell
"""
