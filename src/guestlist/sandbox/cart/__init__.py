"""A stand-in for ThriveCart: makes deliveries like those it sends, and sends them.

The shapes follow reference thrivecart, sections 1.3 to 1.6; every value is the sandbox's own.
"""
