"""Maps from a cheap level of theory to a better one or to experiment, with their errors."""
