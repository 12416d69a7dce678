"""SRT through the system's libsrt: publishers in, tools that play out. Read `server.py` first."""
