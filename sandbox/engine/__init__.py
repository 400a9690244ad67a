"""A rehearsal of the Pulumi engine for this project's program: published protocol, own checkpoint, sandboxes only."""
