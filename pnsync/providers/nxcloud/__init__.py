"""NXCloud's legacy number API, G1 and G1b (docs/vendors.md, 1)."""
