"""JSON Schema in, columns and values out (pure)."""
