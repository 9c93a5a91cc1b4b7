"""Who owns what: run ids, labels, the ledger of resources, and how each kind is removed."""
