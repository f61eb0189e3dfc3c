"""Configuration: one table of settings, read from flags, environment, project file and defaults."""
