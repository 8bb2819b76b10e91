"""The pages of studies: what they are made of, and the report as one file."""
