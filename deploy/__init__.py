"""The stack, the local AWS, packaging and the website's upload."""
