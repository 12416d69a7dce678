"""What becomes of a typed line: `text` is what may be said at all, `words` finds what is meant by it, `emotes` and
`names` know what there is, `rates` how much of it. `chat/speaking.py` puts them in order; read that first."""
