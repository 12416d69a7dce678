"""What the archive counts: plain integers, read by Prometheus through the delivery's collector."""


class Counts:
    """Since the start of the process."""

    def __init__(self) -> None:
        self.playlists = 0
        """Playlists that were written."""
        self.store: dict[str, int] = {}
        """What was asked of the object store, by outcome."""

    def asked(self, outcome: str) -> None:
        """Count a file that was wanted from the object store."""
        self.store[outcome] = self.store.get(outcome, 0) + 1
