"""From a .tflite graph to a program, and from a program to the rows of it that count."""
