"""The Microsoft Entra tenant: reference/entra.md, sections 1 to 3."""
