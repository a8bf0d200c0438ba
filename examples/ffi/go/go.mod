module example.org/cleat

go 1.19
