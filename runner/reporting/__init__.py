"""To be filled by the parts that are being built."""
