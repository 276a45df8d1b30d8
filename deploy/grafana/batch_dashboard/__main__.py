"""``python -m batch_dashboard`` writes the dashboard's JSON beside this package."""

from batch_dashboard.board import JSON_FILE, as_json

JSON_FILE.write_text(as_json())
