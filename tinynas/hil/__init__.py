"""Hardware in the loop: a model's firmware image, the board that runs it, real or virtual, and what it measures."""
