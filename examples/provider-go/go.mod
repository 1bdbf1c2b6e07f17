module provider-go

go 1.26.0

require github.com/jalurhq/jalur v0.0.0

replace github.com/jalurhq/jalur => ../..
