"""Settings, logging, database and Redis connections, migrations, embedded services, supervisor and the CLI."""
