"""Records of a source's files: split in the parent, cheaply; read in the workers, each record for itself."""
