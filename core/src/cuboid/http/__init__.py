"""The REST API over Tornado: routes, one handler a file, authentication, waiting, the error table."""
