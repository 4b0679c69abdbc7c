"""Sealing: real numbers written so that only the holders of an age identity read them. Home of cryptography and pyrage.

Promises: nothing here writes a number or a key in clear, names one in a message, or falls back to plain text. The
envelope is described in docs/sealing.md. Both libraries are imported when first needed (`pnsync[age]`).
"""
