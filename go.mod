module github.com/vendorsync/vendorsync

go 1.26
