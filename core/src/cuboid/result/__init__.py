"""Result to wire: cells, rows, annotation and envelope of an answer to ``/v1/load``."""
