"""Holds the command `kinema`: main.py lists the verbs, each verb is one file with one function `run`."""
