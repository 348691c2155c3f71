"""The SQL API: who may sign in, what was submitted, what results look like."""
