"""Hostile bytes for everything that pnsync reads: files, state, journal, saved plans, and every vendor answer."""
