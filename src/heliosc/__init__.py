"""heliosc: discovers organic semiconductors for organic solar cells and brings them to the synthesis lab."""
