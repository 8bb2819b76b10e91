"""Listeners: who else is told of a search, such as TensorBoard or MLflow. None of them can stop it."""

from tinynas.search.listeners.broadcast import Broadcast, announced, check_listeners

__all__ = ["Broadcast", "announced", "check_listeners"]
