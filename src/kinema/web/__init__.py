"""Serves pages to browsers: the general web server, and the page of ``kinema play``."""
