"""The back end: a planned program as C."""
