"""What the tests share: a gateway in a process of its own, and its configuration."""
