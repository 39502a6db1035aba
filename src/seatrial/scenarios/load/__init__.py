"""The load room: a profile's stages, paced arrivals, the generator's child process and what it records."""
