"""A certificate for the sandbox's names, of an authority that lives beside the state."""

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

import trustme
from cryptography.x509 import DNSName, IPAddress, SubjectAlternativeName, load_pem_x509_certificates


@dataclass(frozen=True)
class Certificate:
    """Where the authority's certificate and the server's key with its chain are kept."""

    ca: Path
    server: Path


def ensure_certificate(folder: Path, names: Collection[str]) -> Certificate:
    """Return the certificate kept in the folder; a new one is made only where none is, or not for all the names."""
    certificate = Certificate(folder / "ca.pem", folder / "server.pem")
    if certificate.ca.exists() and certificate.server.exists() and set(names) <= _names_of(certificate):
        return certificate
    authority = trustme.CA()
    # The server's file holds a private key: it is for its owner only from the first byte on.
    certificate.server.touch(mode=0o600)
    leaf = authority.issue_cert(*names)
    certificate.server.write_bytes(leaf.private_key_and_cert_chain_pem.bytes())
    certificate.ca.write_bytes(authority.cert_pem.bytes())
    return certificate


def _names_of(certificate: Certificate) -> set[str]:
    """Return the hosts a certificate is good for."""
    leaf = load_pem_x509_certificates(certificate.server.read_bytes())[0]
    names = leaf.extensions.get_extension_for_class(SubjectAlternativeName).value
    return {*names.get_values_for_type(DNSName), *map(str, names.get_values_for_type(IPAddress))}
