"""What of a pull's source has been played to its end already: a recording is not published again with every try."""


class Played:
    """One job's memory. A mark is anything that changes when there is something new."""

    def __init__(self) -> None:
        self._mark: str | None = None

    def is_known(self, mark: str) -> bool:
        """Return whether this was the last that was played to its end."""
        return self._mark == mark

    def remember(self, mark: str) -> None:
        """Say that this has been played to its end."""
        self._mark = mark
