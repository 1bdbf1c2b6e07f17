// Package core is Jalur's vocabulary: the nouns of a top-up and the one contract, [Provider], that moves money.
// It imports the standard library only, so that it means the same in a host, in a plugin and in a test.
//
// # The story
//
// A customer asks for a top-up: a merchant (the wallet or product family, "GOPAY"), an account number there, an
// amount. The caller names it by a key of its own choosing. Under one key there is one [PaymentID], for ever: a
// caller that is unsure whether its call arrived says the same again and is told about the same payment.
//
// A route turns the merchant into an ordered list of providers. One Pay at one provider is an attempt. Before a byte of it
// leaves the machine, the intent to send it is durable in the journal; after it, the [Outcome] is. At most one attempt of a payment can ever
// have moved money: a second one is made only where the first provably has not.
//
// A provider's answer is a [Result]; having no answer is an [Error]. Both carry an outcome:
//
//  1. Succeeded: the provider says done.
//  2. Pending: the provider took the order and answers later. It is asked, never told again.
//  3. Declined: the provider says refused; nothing moved.
//  4. Refunded: done, then given back.
//  5. NotSent: the request provably never reached the provider.
//  6. Unknown: it may or may not have happened. It is looked up, never repeated and never tried elsewhere.
//
// Unknown is the zero value and the meaning of every error that nobody recognises. A forgotten field, an older
// plugin or a crash therefore fails safe.
//
// # What is always true
//
//   - The provider was called at most once for an attempt, and nothing but a new attempt in the journal calls it again.
//   - Failed means that no money moved. Time alone never makes a payment fail.
//   - What was not understood is Unknown, whoever said it.
//   - Amounts are fixed-point with their currency, exact from the caller's JSON to the journal and back.
//   - Account numbers print masked; only an explicit conversion to string shows one whole.
package core
