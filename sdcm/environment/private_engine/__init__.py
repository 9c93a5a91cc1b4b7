"""The Docker Engine that we start ourselves where the user has none, and stop again."""
