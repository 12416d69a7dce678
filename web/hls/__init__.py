"""HLS delivery: a thin HTTP/1.1 server on httptools in front of the ingest nodes' origins."""
