"""Message-passing networks with the weights of chemprop's MPNN, on deduplicated atom environments."""
