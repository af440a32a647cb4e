"""From new results to a new master table and new models: stages of the pipeline, and what is stale."""
