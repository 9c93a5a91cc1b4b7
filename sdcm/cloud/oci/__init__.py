"""Oracle Cloud, through its own library (the extra `oci`)."""
