"""The embedded library: named organic semiconductors, enumerated relatives, and their computed labels."""
