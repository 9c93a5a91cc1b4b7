"""`params`: the configuration a test sees, in layers."""
