// Package httpspec is a provider that is described and not programmed: requests, and what their answers mean, stand in the settings as CEL
// expressions (plugin: http).
//
// # What a description can't do
//
//   - It can't make a value of an order break out of its place: paths, queries, forms and JSON are encoded here, after the expressions.
//   - It can't copy the order into the answer: what names product, account and amount sees the answer alone.
//   - It can't call an answer final by accident. What no case names is Unknown, and so is an answer under an HTTP status that isn't read, one that isn't
//     JSON or says one thing twice, and one on which an expression fails. Declined comes from a case that says so, and only where the table of
//     reasons agrees; NotSent from the transport, or because no request could be built.
//   - It can't show a secret: expressions over answers don't see them, and errors show no values.
package httpspec
