"""LAAFFIC's number API, also sold as ITNIO TECH (docs/vendors.md, 2)."""
