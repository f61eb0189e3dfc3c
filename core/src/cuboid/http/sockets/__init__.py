"""WebSockets at the port of the API, as Cube's WebSocket transport speaks them."""
