"""How figures are told to people."""


def seconds_text(value: float) -> str:
    """Return a duration: `0.12 s`, `8.4 s`, `38 s`, `3 min 04 s`."""
    if value >= 120:
        return f"{int(value // 60)} min {int(value % 60):02d} s"
    return f"{value:.2f} s" if value < 1 else f"{value:.1f} s" if value < 20 else f"{value:.0f} s"
