"""DuckDB for Cuboid."""
