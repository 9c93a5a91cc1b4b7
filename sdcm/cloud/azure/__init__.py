"""Azure, through its own libraries (the extra `azure`)."""
