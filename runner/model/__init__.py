"""The values that flow through runner: frozen, typed, made of the standard library and msgspec alone."""
