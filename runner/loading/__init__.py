"""Files into values of the model: every problem of every file is found before anything fails."""
