"""How fast Visage is, compared with other face recognisers: `make bench`."""
