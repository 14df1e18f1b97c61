"""What is wrong with a scoring model, and where, when the place is not the part that finds it."""


class ModelFault(ValueError):
    """A model that cannot be used. `path` leads from the root of the file to the place: keys and positions."""

    def __init__(self, path: tuple[str | int, ...], message: str) -> None:
        super().__init__(message)
        self.path = path
