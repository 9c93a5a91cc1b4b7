"""A run whose shards are the pods of one Indexed Job.

The command's own machine collects, has the image made and the Job submitted (`steps`, in the broker, which also takes
everything down), follows the pods' logs (`following`, in the runner) and merges what the shards' runs have written.
In each pod `pod` starts the unchanged runner with its `--shard` and sends its files through the pod's log (`framing`).
"""
