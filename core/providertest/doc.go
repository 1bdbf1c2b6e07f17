// Package providertest asks any provider, in process or behind the plugin boundary, whether it keeps the contract of [core.Provider]: one suite for all
// of them.
//
// An author fills in a [Harness]: how to make the provider, a few sample orders, and where his sandbox is. [Run] asks every rule as a subtest;
// [Check] asks them without a *testing.T and gives a [Report] with a score.
//
//	func TestConformance(t *testing.T) {
//		providertest.Run(t, providertest.Harness{
//			New:      providertest.InProcess(myprovider.Factory()),
//			Settings: json.RawMessage(`{"base_url":"` + sandbox.URL + `","api_key":"k3y"}`),
//			Sandbox:  sandbox.URL,
//			Samples: map[string]providertest.Sample{
//				providertest.Succeeds: {Product: "GOPAY", Account: "081234567890", Amount: core.IDR(50000)},
//				providertest.Refused:  {Product: "GOPAY", Account: "081234567899", Amount: core.IDR(50000)},
//			},
//			Lacks: map[string]string{providertest.Pending: "it answers at once, always"},
//		})
//	}
//
// # The rules
//
// A [Rule] is data: its name, why it matters, when it applies, and a check. [Rules] lists them. Which of them apply follows from what the provider promises
// in its Describe: one that promises to answer a repeated reference with the first order is asked for that, one that takes no reference is not.
//
// What a rule needs and the harness doesn't name is not passed over: the rule was "not asked", and counts as not held. What a provider or its sandbox really has
// not got is said in Harness.Lacks, with a reason that stands in the report.
//
// # The sandbox
//
// The sandbox plays the provider over HTTP, and must tell what it really executed: GET /_ledger gives
//
//	{"executed":[{"invoice":"1","ref":"KIT…","merchant":"GOPAY","account":"0812…","amount":50000,"state":"done","at":"…"}],"by_account":{"0812…":1}}
//
// After each rule that ledger is held against what the provider reported: what was called declined or not sent has no entry, what was called succeeded has one,
// and nothing has two. Nobody else may use the sandbox meanwhile.
//
// The suite stands between the provider and the sandbox. It puts an address of its own where the settings hold the sandbox's, and so plays by itself what can
// happen on the way: an answer that is lost after the order was executed, held back until the deadline, cut, empty, or a proxy's page. What only the provider's own
// side can do, the sandbox plays when it is told to: POST /_fault?name=NAME&times=1 for the next order, times=0 to take it back. Harness.Faults maps what the rules ask
// for to the sandbox's names.
package providertest
