"""Log records: structured, bounded, without keys, and written by a thread of their own."""
