"""Hooks and fixtures, one feature a file."""
