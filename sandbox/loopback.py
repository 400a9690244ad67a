"""Whether a host is this machine."""

import ipaddress
from urllib.parse import urlsplit


def is_loopback(url: str) -> bool:
    """Tell whether the host of a URL, or of a bare host name, is this machine."""
    host = urlsplit(url if "//" in url else f"https://{url}").hostname or ""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
