"""Qlik Cloud licenses from Microsoft Entra groups, as Pulumi resources."""
