"""Who says a sentence: embedded voices, cloning engines, speech servers, and what happens when one of them is away."""
