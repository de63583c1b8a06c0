"""The demo of `postrail up --demo`: its people, messages and mail server."""
