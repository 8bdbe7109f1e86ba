"""The command line, one module per noun. Only what a command needs is imported, and only when it runs."""
