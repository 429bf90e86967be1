"""The suite on other days than today, each test and each process that it starts included (law 12)."""
