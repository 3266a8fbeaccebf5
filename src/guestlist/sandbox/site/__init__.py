"""A stand-in WordPress site with MemberPress: behaves as a real one was seen to, its quirks included.

Everything lives in memory and starts anew with the process. Nothing in here is meant to face the internet.
"""
