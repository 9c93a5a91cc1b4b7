"""The one owner of a run's resources; workers lease from it."""
