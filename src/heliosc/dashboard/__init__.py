"""A live, read-only view of a campaign in the browser: nothing here writes into a run."""
