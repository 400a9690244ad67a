"""A certificate for loopback, of an authority that lives beside the state."""

from dataclasses import dataclass
from pathlib import Path

import trustme


@dataclass(frozen=True)
class Certificate:
    """Where the authority's certificate and the server's key with its chain are kept."""

    ca: Path
    server: Path


def ensure_certificate(folder: Path) -> Certificate:
    """Return the certificate kept in the folder; a new one is made only where there is none."""
    certificate = Certificate(folder / "ca.pem", folder / "server.pem")
    if certificate.ca.exists() and certificate.server.exists():
        return certificate
    authority = trustme.CA()
    # The server's file holds a private key: it is for its owner only from the first byte on.
    certificate.server.touch(mode=0o600)
    leaf = authority.issue_cert("127.0.0.1", "localhost")
    certificate.server.write_bytes(leaf.private_key_and_cert_chain_pem.bytes())
    certificate.ca.write_bytes(authority.cert_pem.bytes())
    return certificate
