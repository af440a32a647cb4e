"""What came back from the laboratory: states of candidates, returned forms, measured values, what they correct."""
