module example.org/fingerprint

go 1.21
