"""Where an image can come from: a registry, a build folder, the Debian archive."""
