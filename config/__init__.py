"""Settings, logging, database and Redis connections, migrations, embedded services, supervisor and the program `tally`.

Read `settings.py` first: every process begins with it. `cli.py` is the program; `serve.py` says what runs, `keeper.py`
keeps one process running; `embedded/` has the servers for people who have none.
"""
