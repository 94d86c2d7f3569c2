"""Programs that talk with a running server as any client would: `manage.py talk` and `manage.py bench`."""
