"""What every part of kinema shares: types, configs, checks, seeds. Imports nothing else of kinema."""
