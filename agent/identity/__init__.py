"""Who this machine is: its key, its certificate request, its certificate."""
