"""Clouds: whether their credentials work, and what tests make in them, which is gone afterwards whatever happens."""
