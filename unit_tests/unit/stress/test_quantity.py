from decimal import Decimal

import pytest

from sdcm.stress.quantity import Quantity, milliseconds, plain


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("8.5s", "8500", id="seconds"),
        pytest.param("18.1ms", "18.1", id="milliseconds"),
        pytest.param("5.9µs", "0.0059", id="micro-sign"),
        pytest.param("852us", "0.852", id="us"),
        pytest.param("1m0.02s", "60020", id="minutes"),
        pytest.param("9h0m0.02s", "32400020", id="hours"),
        pytest.param("7.25", "7.25", id="bare"),
        pytest.param("0s", "0", id="nothing"),
    ],
)
def test_durations_are_read_exactly(text: str, expected: str) -> None:
    assert milliseconds(text) == Decimal(expected)


@pytest.mark.parametrize("text", ["", "fast", "1.2.3ms", "5 parsecs", "ms", "-3ms"])
def test_what_is_no_duration_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is no duration"):
        milliseconds(text)


def test_a_quantity_keeps_its_digits() -> None:
    quantity = Quantity("15.720", "ms")
    assert (str(quantity), float(quantity), quantity.value) == ("15.720 ms", 15.72, Decimal("15.72"))
    with pytest.raises(ValueError, match="'00:00:06' is no number"):
        _ = Quantity("00:00:06").value


@pytest.mark.parametrize(
    ("number", "shown"), [("0.100", "0.1"), ("1E+3", "1000"), ("4709.9761448336", "4709.9761448336"), ("0E-9", "0")]
)
def test_numbers_are_shown_without_exponent(number: str, shown: str) -> None:
    assert plain(Decimal(number)) == shown
