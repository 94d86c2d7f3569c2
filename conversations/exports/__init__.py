"""A conversation to take along: documents, captions, names of files."""
