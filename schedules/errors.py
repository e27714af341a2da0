"""The one error of this package: a rule, or a part of one, that cannot be meant.

`code` is stable and snake_case, `detail` is a sentence fit to show to the person, `field` is where in the rule's JSON
the fault lies ("times[1].amount"; "" for the whole). Values that were sent are never repeated in `detail`.
"""


class RuleError(ValueError):
    """A ValueError, because every one of them is a value that no later call could make good."""

    def __init__(self, code: str, detail: str, field: str = "") -> None:
        # All three go to the base class, so that the error survives pickling between processes.
        super().__init__(code, detail, field)
        self.code = code
        self.detail = detail
        self.field = field

    def __str__(self) -> str:
        return self.detail
