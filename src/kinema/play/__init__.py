"""Playing a model of playable: games, recordings, names of actions, the server and its page."""
