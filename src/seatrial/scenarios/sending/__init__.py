"""What a step sends: its parts as they are once read, and how they are rendered into one request."""
