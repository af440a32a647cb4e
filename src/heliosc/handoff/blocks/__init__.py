"""The blocks of a dossier, one subject a file; each gives titled tables that PDF and workbook show alike."""
