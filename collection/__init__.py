"""Collections of photos at home: batches in local processes, piles that become folders, and faces to search for."""
