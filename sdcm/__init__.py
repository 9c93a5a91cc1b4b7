"""SCT runner: integration tests of distributed databases against real services."""
