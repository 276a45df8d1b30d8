"""``python -m batch_dashboard`` writes the dashboard's JSON into the chart."""

from batch_dashboard.board import JSON_FILE, as_json

JSON_FILE.write_text(as_json())
