"""NXCloud's legacy number API, G1 and G1b (VENDORS 1)."""
