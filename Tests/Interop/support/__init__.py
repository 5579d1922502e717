"""What the tests share: the gateway as a child process, real clients, and UDP targets with a will of their own."""
