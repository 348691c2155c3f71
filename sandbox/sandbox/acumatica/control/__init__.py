"""What the demo and the tests ask of the server, below ``/sandbox``."""
