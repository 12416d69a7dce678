"""Who asks for something that moderators do."""

import msgspec

from chat.people import Person
from schemas.ids import UserId


class Actor(msgspec.Struct, frozen=True):
    """An account that asks. What it is to the channel is looked up where it acts, in the same transaction.

    `request` names what it asks for ("" has no name): the same request of the same account is obeyed once.
    """

    id: UserId
    username: str
    display_name: str
    is_admin: bool = False
    request: str = ""

    @staticmethod
    def of(person: Person, request: str = "") -> "Actor":
        """Return the actor that a person is."""
        return Actor(person.id, person.username, person.display_name, person.is_admin, request)


class Done(msgspec.Struct, frozen=True):
    """What came of it: words for the one who asked. `act_id` is None when everything was so already."""

    notice: str
    act_id: str | None = None
