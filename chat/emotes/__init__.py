"""The emotes that every installation begins with: drawings (`drawings/`), what was made of them, and who loads it."""
