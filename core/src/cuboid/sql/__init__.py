"""From a plan to a statement: sqlglot trees, dialects, slots and parameters. Does no I/O."""
