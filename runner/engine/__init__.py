"""The asynchronous heart: it carries a plan out and shows itself through events alone."""
