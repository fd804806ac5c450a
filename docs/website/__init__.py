"""The site of the documentation: pages made from the repository, for a generator to render.

``pages`` knows what is on the site and needs no generator; ``hooks`` hands it to MkDocs.
"""
