"""The second generation of the simulated API: batches, and the parse and extract jobs they make."""
