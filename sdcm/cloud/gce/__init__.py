"""Google Cloud, through its own libraries (the extra `gce`)."""
