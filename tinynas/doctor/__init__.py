"""What tinynas finds on a computer: programs, boards and room, and what to do where something is missing."""

from tinynas.doctor.examine import examine
from tinynas.doctor.finding import Finding, State

__all__ = ["Finding", "State", "examine"]
