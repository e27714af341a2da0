"""What can go wrong in words a person can read. The edges translate families; nothing here knows HTTP.

`code` is stable and snake_case (clients may branch on it); `detail` never echoes what was sent.
"""


class EngineError(Exception):
    """A rule was broken. `detail` is fit to show to the person who asked."""

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(detail)
        self.code = code
        self.detail = detail


class NotFound(EngineError):
    """It does not exist, or it is somebody else's: the two look the same from outside."""


class NotAllowed(EngineError):
    """Who asks is not signed in, or no longer."""


class Conflict(EngineError):
    """It contradicts what is already recorded."""


class Invalid(EngineError):
    """It cannot be understood or kept as it was sent."""


class TryLater(EngineError):
    """Too much at once. `after_seconds` says when to come back."""

    def __init__(self, code: str, detail: str, after_seconds: int) -> None:
        super().__init__(code, detail)
        self.after_seconds = after_seconds
