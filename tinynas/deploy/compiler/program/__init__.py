"""The compiler's form of a model: values as rows, operators, what they do, and how large a model may be."""
