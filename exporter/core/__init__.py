"""What is known of one project, and what is requested next: the pure core of the exporter.

It is synchronous and knows no clock, no HTTP, no log and no metrics library. ``ProjectCore`` hands
out actions and receives observations; events and views, which are frozen values, come out.
"""
