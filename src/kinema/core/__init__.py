"""Holds what every part of kinema uses: types, configs, checks, seeds. Imports nothing else of kinema."""
