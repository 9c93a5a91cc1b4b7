"""Containers and what is built on them: database nodes of either flavour."""
