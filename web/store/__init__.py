"""SQL of accounts, channels, keys and streams: plain coroutines that take a connection or the pool."""
