"""Tests of the pages in a real browser; a package, so that their conftest.py and the one above don't collide."""
