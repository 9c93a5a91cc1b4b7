"""What keeps integration tests from running on a machine: causes, what was found, why it matters, the mend."""
