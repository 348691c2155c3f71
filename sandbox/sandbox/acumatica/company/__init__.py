"""The company that is made up, and the days that pass in it."""
