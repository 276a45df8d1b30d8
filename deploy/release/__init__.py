"""Builds a release into ``dist/``; ``deploy/docs/release.md`` tells how to publish it."""
