"""The composition root: reads the settings, builds everything once, runs it, and ends it."""
