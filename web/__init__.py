"""The HTTP side: platform pushes in, the ERP's API out, and the console."""
