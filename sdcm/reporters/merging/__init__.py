"""One run out of the journals of many: the shards of a run that several machines did together."""
