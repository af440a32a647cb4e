"""Returned forms as they lie in files: CSV, XLSX, .eln; nothing is interpreted here."""
