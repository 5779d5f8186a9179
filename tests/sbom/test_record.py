"""Records: what a frozen dataclass with slots does."""

import copy
import pickle

import pytest

from sbom.record import FrozenError, as_dict, field, mutable, ordered, record, replace


@record
class Point:
    """A point."""

    x: int
    y: int = 0
    tags: tuple[str, ...] = ()

    @property
    def sum(self) -> int:
        """Of both."""
        return self.x + self.y


@record
class Named(Point):
    name: str = ""


@ordered
class Version:
    major: int
    minor: int = 0


@record
class Empty:
    pass


@mutable
class Basket:
    owner: str
    eggs: list[int] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.owner = self.owner.strip()


def test_fields_come_in_their_order_by_position_and_by_name() -> None:
    assert Point(1, 2) == Point(y=2, x=1)
    assert Point(1).y == 0
    assert Named(1, 2, ("a",), "n").name == "n"
    assert Point(1, 2).sum == 3


def test_a_missing_and_an_unknown_field_are_errors() -> None:
    with pytest.raises(TypeError):
        Point()  # type: ignore[call-arg]
    with pytest.raises(TypeError):
        Point(1, z=2)  # type: ignore[call-arg]


def test_values_of_one_class_with_equal_fields_are_equal_and_others_are_not() -> None:
    assert Point(1, 2) == Point(1, 2)
    assert Point(1, 2) != Point(2, 1)
    assert Point(1, 2) != Version(1, 2)  # type: ignore[comparison-overlap]
    assert Point(1, 2) != Named(1, 2)
    assert hash(Point(1, 2)) == hash(Point(1, 2))
    assert Empty() == Empty()
    assert len({Point(1), Point(1), Point(2)}) == 2


def test_nothing_can_be_changed_added_or_deleted() -> None:
    point = Point(1)
    with pytest.raises(FrozenError):
        point.x = 2  # type: ignore[misc]
    with pytest.raises(FrozenError):
        point.z = 2  # type: ignore[attr-defined]
    with pytest.raises(FrozenError):
        del point.x
    assert not hasattr(point, "__dict__")


def test_records_sort_only_where_they_say_so() -> None:
    assert sorted([Version(2), Version(1, 5), Version(1)]) == [Version(1), Version(1, 5), Version(2)]
    assert Version(1) <= Version(1) < Version(1, 1) >= Version(1) > Version(0)
    with pytest.raises(TypeError):
        sorted([Point(2), Point(1)])  # type: ignore[type-var]


def test_a_copy_can_differ_in_fields() -> None:
    assert replace(Named(1, name="n"), x=5) == Named(5, name="n")
    with pytest.raises(TypeError):
        replace(Point(1), z=1)
    assert as_dict(Point(1, 2)) == {"x": 1, "y": 2, "tags": ()}


def test_records_show_match_copy_and_pickle_as_dataclasses_do() -> None:
    assert repr(Point(1)) == "Point(x=1, y=0, tags=())"
    match Point(1, 2):
        case Point(x, y):
            assert (x, y) == (1, 2)
    for made in (copy.copy(Point(1)), copy.deepcopy(Point(1)), pickle.loads(pickle.dumps(Point(1)))):
        assert made == Point(1)
    assert Point.__doc__ == "A point."
    assert Point.__init__.__annotations__["y"] is int


def test_what_is_mutable_can_be_set_and_has_no_hash() -> None:
    one, other = Basket("a"), Basket(" a ")
    one.eggs.append(1)
    one.owner = "b"
    assert other == Basket("a", [])
    assert one == Basket("b", [1])
    with pytest.raises(TypeError):
        hash(one)
    with pytest.raises(AttributeError):
        one.colour = "red"  # type: ignore[attr-defined]
