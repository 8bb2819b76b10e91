"""The colours of the page's figures.

Figures are made in those of the light theme; where the reader's is dark, the page puts the dark one's in their place.
"""

from __future__ import annotations

__all__ = ["COLOURS", "PALETTES"]

# Okabe-Ito hues: told apart with every kind of colour vision, and by symbol as well.
PALETTES: dict[str, dict[str, str]] = {
    "light": {
        "ink": "#1b2530",
        "muted": "#5d6b7a",
        "grid": "#e3e8ee",
        "surface": "#ffffff",
        "accent": "#0b6bb5",
        "best": "#c2410c",
        "front": "#00805c",
        "bad": "#a8326a",
    },
    "dark": {
        "ink": "#e6edf3",
        "muted": "#93a1b0",
        "grid": "#28323d",
        "surface": "#161d26",
        "accent": "#5db3f0",
        "best": "#ff9d4d",
        "front": "#2fd0a0",
        "bad": "#f08bb8",
    },
}

COLOURS = PALETTES["light"]
