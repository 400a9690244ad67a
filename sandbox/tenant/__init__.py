"""The Qlik Cloud tenant: reference/qlik-api.md, sections 1 to 8."""
