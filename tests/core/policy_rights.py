"""Rights as tests write them."""

from qlik_provider.rights import Right, parse_right

A, P, Q = "role:A", "space:Finance/producer", "space:Finance/consumer"


def rights(*texts: str) -> frozenset[Right]:
    return frozenset(parse_right(text) for text in texts)
