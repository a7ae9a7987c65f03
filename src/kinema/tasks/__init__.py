"""What the verbs do: a request goes in, files come out. Command line, web and jobs call the same."""
