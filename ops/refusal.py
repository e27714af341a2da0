"""What an operator can put right, in one sentence: printed as it is, with exit code 1 and no traceback."""


class Refusal(Exception):
    """The command stops here. The message is a full sentence for an operator and never holds a secret."""
