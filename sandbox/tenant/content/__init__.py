"""What users own in the tenant, and the calls that give it to somebody else (qlik-api.md 9)."""
