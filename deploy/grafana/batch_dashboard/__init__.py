"""Generates the Grafana dashboard: ``make dashboard`` writes its JSON.

It is generated so that a query, a colour or a threshold that several panels share stands in one
place, and because the SDK's types refuse what no panel has.
"""
