"""Recognises a folder, a prefix or an inventory of photos, whoever runs it: this machine's processes or AWS Lambda.

| module | what it does |
| --- | --- |
| `contract` | what the files of an output hold: the header, a batch of the manifest |
| `rows` | the row of one photo |
| `parts` | the rows and embeddings of one batch: written, read, and walked through |
| `storage` | where an output is: a folder, or a prefix of S3 |
| `sources`, `inventory` | where photos are: a folder, a prefix of S3, an inventory of S3 |
| `opening` | opens the source at a location |
| `planning` | lists a source and writes the manifest of the batches that are to be done |
| `worker` | answers one batch with a loaded model |
| `summary` | counts all rows, and removes what belongs to no batch any more |

docs/batch.md describes the files for users.
"""
