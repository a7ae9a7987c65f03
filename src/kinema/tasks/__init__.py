"""Carries out what the verbs do: a request goes in, files come out; command line, web and library call the same."""
