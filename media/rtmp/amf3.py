"""AMF3 values, met behind AMF0's avmplus marker (Action Message Format AMF 3, section 3). Vectors are not taken."""

from media.rtmp.amf import AmfValue, BadAmf, Budget, Cursor

_UNFINISHED = object()


def read_value(cursor: Cursor, budget: Budget, depth: int) -> AmfValue:
    """Read one value; its reference tables begin and end with it (AMF0, section 3.1)."""
    return _Reader(cursor, budget).value(depth)


class _Traits:
    __slots__ = ("is_dynamic", "names")

    def __init__(self, names: list[str], is_dynamic: bool) -> None:
        self.names = names
        self.is_dynamic = is_dynamic


class _Reader:
    def __init__(self, cursor: Cursor, budget: Budget) -> None:
        self._cursor = cursor
        self._budget = budget
        self._strings: list[str] = []
        self._objects: list[AmfValue | object] = []
        self._traits: list[_Traits] = []

    def value(self, depth: int) -> AmfValue:
        self._budget.spend(depth)
        marker = self._cursor.byte()
        match marker:
            case 0x00 | 0x01:
                return None
            case 0x02 | 0x03:
                return marker == 0x03
            case 0x04:
                number = self._u29()
                return number - (1 << 29) if number & 1 << 28 else number
            case 0x05:
                return self._cursor.double()
            case 0x06:
                return self._string()
            case 0x07 | 0x08 | 0x09 | 0x0A | 0x0B | 0x0C:
                return self._complex(marker, depth)
        raise BadAmf(f"AMF3 marker {marker:#04x}")

    def _u29(self) -> int:
        """Section 1.3.1: up to three bytes of 7 bits, then one of 8."""
        number = 0
        for _ in range(3):
            byte = self._cursor.byte()
            number = number << 7 | byte & 0x7F
            if byte < 0x80:
                return number
        return number << 8 | self._cursor.byte()

    def _string(self) -> str:
        header = self._u29()
        if not header & 1:
            if header >> 1 >= len(self._strings):
                raise BadAmf(f"reference to AMF3 string {header >> 1}")
            return self._strings[header >> 1]
        text = self._cursor.text(header >> 1)
        if text:
            self._strings.append(text)
        return text

    def _complex(self, marker: int, depth: int) -> AmfValue:
        header = self._u29()
        if not header & 1:
            known = self._objects[header >> 1] if header >> 1 < len(self._objects) else _UNFINISHED
            if known is _UNFINISHED:
                raise BadAmf(f"reference to AMF3 object {header >> 1}")
            return known  # type: ignore[return-value]  # the list holds values and the sentinel just excluded
        index = len(self._objects)
        self._objects.append(_UNFINISHED)
        value: AmfValue
        match marker:
            case 0x08:
                value = self._cursor.double()
            case 0x09:
                value = self._array(header >> 1, depth)
            case 0x0A:
                value = self._object(header, depth)
            case 0x0C:
                value = self._cursor.take(header >> 1)
            case _:
                value = self._cursor.text(header >> 1)
        self._objects[index] = value
        return value

    def _array(self, count: int, depth: int) -> AmfValue:
        named = self._dynamic_members(depth)
        if count > self._budget.left:
            raise BadAmf(f"AMF3 array of {count} values")
        dense = [self.value(depth + 1) for _ in range(count)]
        if not named:
            return dense
        return named | {str(index): item for index, item in enumerate(dense)}

    def _object(self, header: int, depth: int) -> AmfValue:
        traits = self._read_traits(header)
        members: dict[str, AmfValue] = {name: self.value(depth + 1) for name in traits.names}
        if traits.is_dynamic:
            members |= self._dynamic_members(depth)
        return members

    def _read_traits(self, header: int) -> _Traits:
        if not header & 2:
            if header >> 2 >= len(self._traits):
                raise BadAmf(f"reference to AMF3 traits {header >> 2}")
            return self._traits[header >> 2]
        if header & 4:
            raise BadAmf("externalizable AMF3 object")
        self._string()  # class name
        count = header >> 4
        if count > self._budget.left:
            raise BadAmf(f"AMF3 object of {count} members")
        traits = _Traits([self._string() for _ in range(count)], bool(header & 8))
        self._traits.append(traits)
        return traits

    def _dynamic_members(self, depth: int) -> dict[str, AmfValue]:
        members: dict[str, AmfValue] = {}
        while name := self._string():
            members[name] = self.value(depth + 1)
        return members
