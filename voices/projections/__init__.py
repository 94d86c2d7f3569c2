"""Read models of voices and of provenance, written in the append's transaction and remade by the same fold."""
