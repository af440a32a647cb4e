"""Promotion: which candidates may go to the laboratory, and why.

``criteria.yaml`` says what is asked of a role; ``ledger`` is the record of what was found for one candidate.
"""
