module gridhub

go 1.26.0
