"""LAAFFIC's number API, also sold as ITNIO TECH (VENDORS 2)."""
