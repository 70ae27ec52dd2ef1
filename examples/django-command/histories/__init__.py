"""An example of a Django application."""
