"""One run from command line to exit code; read `pipeline` first."""
