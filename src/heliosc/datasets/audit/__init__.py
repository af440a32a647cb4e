"""What the master table holds, how well, and where it contradicts itself."""
