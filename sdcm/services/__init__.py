"""The services a test may need: labels, availability, skip reasons, and what each chosen test needs."""
