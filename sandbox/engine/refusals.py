"""Ways a run can end early, sorted by who has to move."""


class Refusal(Exception):
    """A run that ends in one `error:` line; `code` is the exit code Pulumi gives for the same case."""

    def __init__(self, reason: str, code: int = 1) -> None:
        super().__init__(reason)
        self.code = code


class ProviderFailure(Refusal):
    """What a provider raised in one operation; the text is what the user reads."""


class CheckFailure(Exception):
    """Inputs a provider's check found wrong; one text for each failure."""

    def __init__(self, texts: list[str]) -> None:
        super().__init__("; ".join(texts))
        self.texts = texts


class Stopped(Exception):
    """The phase has failed or was canceled, so nothing new is begun."""
