"""Worlds made up to order: organisations of any size with the shapes and the mess of real ones."""
