"""What a test gets of a Kubernetes cluster: a namespace of its own and what it can do in it."""
