"""The test event system behind the `events` fixtures."""
