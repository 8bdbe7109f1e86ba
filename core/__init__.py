"""The canonical model, the port to the channels and everything pure. Imports nothing from the other packages."""
