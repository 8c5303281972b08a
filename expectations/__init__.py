"""What a release must look like before it is published: one module per mart, and their gate.

Belongs here: plausible ranges, volumes, drift and completeness of the published marts. Does not
belong here: keys, relations between tables and logic (dbt tests), and the receipt and the publish
(orchestration). Modules named after a mart hold its suite; `context` and `gate` are the machinery.
"""
