"""How to answer a question: from a shape and a catalog to a plan. Knows no dialect and does no I/O."""
