"""The API's operations that `web/app.py` does not list itself, a table for each subject."""
