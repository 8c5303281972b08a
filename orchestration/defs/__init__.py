"""Dagster definitions, found by folder.

No module here imports `annotations` from `__future__`: Dagster reads the types of configs and
resources from the functions' annotations, which would be text then.
"""
