"""When each operator runs, and where its output lies."""
