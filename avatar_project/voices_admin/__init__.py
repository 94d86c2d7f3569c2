"""The voice manager's side of voices, in Django's admin. Nothing is changed here but through the services.

It stands here because it is made of both: the admin's tools are those of conversations, and voices know none of them.
"""
