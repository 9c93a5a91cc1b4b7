"""Views of the journal: terminal lines and JUnit."""
