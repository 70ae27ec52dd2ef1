"""Programs that measure the library against a named peer or floor, each in one run."""
