"""Stand-ins for a Qlik Cloud tenant, a Microsoft Entra directory and an engine, with rules of their own."""
