"""The Python files of a Cube project, ``cube.py`` and ``model/globals.py``: what they import, what it means here."""
