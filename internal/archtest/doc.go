// Package archtest holds the rules of the project's structure as tests: who may import whom, and what no file may do. It has no code of its own.
package archtest
