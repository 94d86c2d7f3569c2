"""The memory gate in the engine host: it measures, decides (`inference.gate`), and carries out."""
