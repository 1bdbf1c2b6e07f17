// Package wire turns core's nouns into the messages of the plugin protocol and back, and holds what both sides must agree on before they talk.
//
// Reading distrusts: what can't be read makes the whole answer Unknown, and a number or code outside the lists is Unknown or internal.
package wire
