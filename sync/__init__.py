"""The engine: receipts and pulls in, intents out, everything between them in SQL rows."""
