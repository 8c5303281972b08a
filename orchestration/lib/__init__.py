"""What the pipeline is made of, free of Dagster: settings, files, contract, checks, releases."""
