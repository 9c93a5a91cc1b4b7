"""Orders of a shop, kept in a Cassandra-compatible database."""
