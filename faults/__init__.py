"""The whole road, from key to sinks, while everything around it goes wrong."""
