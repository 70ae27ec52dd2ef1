"""Programs that look for inputs nobody thought of."""
