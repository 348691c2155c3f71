"""The life of a run: batches, statements, states."""
