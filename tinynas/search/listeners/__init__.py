"""Listeners: who else is told of a search, such as TensorBoard or MLflow. None of them can stop it."""

from tinynas.search.listeners.broadcast import Broadcast, announce, check_listeners

__all__ = ["Broadcast", "announce", "check_listeners"]
