"""What tells why a test failed, gathered into a folder of its own while its containers still stand."""
