"""Lets twistd know of dictd. Imported by every twistd on the machine, so it imports nothing of ours."""

from twisted.application.service import ServiceMaker

dictd = ServiceMaker("dictd", "dictd.tap", "A dictionary server: DICT (RFC 2229) with accounts.", "dictd")
