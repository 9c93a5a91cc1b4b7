"""Which worker runs which test, and when."""
