package sandbox

import (
	"fmt"
	"slices"
)

// Types of products.
const (
	fixedRecharge  = "FIXED_VALUE_RECHARGE"
	rangedRecharge = "RANGED_VALUE_RECHARGE"
	fixedPIN       = "FIXED_VALUE_PIN_PURCHASE"
	rangedPIN      = "RANGED_VALUE_PIN_PURCHASE"
	rangedPayment  = "RANGED_VALUE_PAYMENT"
)

const dollar = "USD"

// product is one thing that is sold. Prices are in dollars.
type product struct {
	id       int
	name     string
	kind     string
	service  int
	operator operator

	unit      string // of the destination
	amount    number // of a fixed one
	min, max  number // of a ranged one; max -1: none
	increment number

	price number // of a fixed one
	rate  number // what arrives for a dollar
	fee   number

	credit, sender, statement [][]string // alternatives of required fields
	esim                      bool
}

type operator struct {
	id      int
	name    string
	country string // alpha-3
	calling string // what its phone numbers begin with
}

func (p product) ranged() bool { return p.min != 0 }

func (p product) pin() bool { return p.kind == fixedPIN || p.kind == rangedPIN }

// cost gives the price of an amount that arrives.
func (p product) cost(amount number) number {
	if !p.ranged() {
		return p.price + p.fee
	}
	return (amount*one+p.rate-1)/p.rate + p.fee
}

// The operators and services that the catalogue is made of.
func claro() operator     { return operator{1596, "Claro Ecuador", "ECU", "+593"} }
func telkomsel() operator { return operator{2322, "Telkomsel Indonesia", "IDN", "+62"} }
func singtel() operator   { return operator{405, "SingTel Singapore", "SGP", "+65"} }
func store() operator     { return operator{3001, "Game Store Indonesia", "IDN", ""} }
func power() operator     { return operator{3002, "PLN Indonesia", "IDN", ""} }
func roaming() operator   { return operator{3003, "Roam Everywhere", "SGP", ""} }

const (
	mobileService  = 1
	billService    = 3
	voucherService = 4
	financeService = 10
	esimService    = 13
)

// dollars gives an amount of cents.
func dollars(cents int64) number { return number(cents) * cent }

const cent = one / 100

// catalogue lists what is sold: every type, with and without a credit party, in one currency and in two, bills, and an eSIM.
//
//nolint:mnd // a catalogue is made of numbers
func (c Config) catalogue() []product {
	mobile := [][]string{{"mobile_number"}}
	list := slices.Grow([]product{
		{id: 5001, name: "Telkomsel 50.000", kind: fixedRecharge, service: mobileService, operator: telkomsel(), unit: "IDR", amount: of(50_000), price: dollars(325), rate: of(15_385), credit: mobile},
		{id: 5002, name: "Telkomsel any amount", kind: rangedRecharge, service: mobileService, operator: telkomsel(), unit: "IDR", min: of(5000), max: of(1_000_000), increment: of(1000), rate: of(15_000), fee: dollars(5), credit: mobile},
		{id: 5003, name: "SingTel 10 SGD", kind: fixedRecharge, service: mobileService, operator: singtel(), unit: "SGD", amount: of(10), price: dollars(780), rate: 12_821, credit: mobile},
		{id: 6035, name: "3 USD", kind: fixedRecharge, service: mobileService, operator: claro(), unit: dollar, amount: of(3), price: dollars(360), rate: 8333, credit: mobile},
		{id: 7001, name: "Store voucher 100.000", kind: fixedPIN, service: voucherService, operator: store(), unit: "IDR", amount: of(100_000), price: dollars(640), rate: of(15_625)},
		{id: 7002, name: "Store voucher of any value", kind: rangedPIN, service: voucherService, operator: store(), unit: dollar, min: of(5), max: -one, increment: cent, rate: 9500},
		{id: 8001, name: "PLN bill", kind: rangedPayment, service: billService, operator: power(), unit: "IDR", min: one, max: -one, increment: one, rate: of(15_000), fee: dollars(20), credit: [][]string{{"account_number"}}, statement: [][]string{{"reference"}, {"reference", "due_date"}}},
		{id: 8002, name: "Transfer", kind: rangedPayment, service: financeService, operator: store(), unit: "IDR", min: of(10_000), max: of(5_000_000), increment: one, rate: of(15_000), fee: dollars(100), credit: [][]string{{"account_number", "account_qualifier"}, {"mobile_number"}}, sender: [][]string{{"lastname", "firstname"}}},
		{id: 9001, name: "eSIM 5 GB", kind: fixedRecharge, service: esimService, operator: roaming(), unit: dollar, amount: of(12), price: dollars(990), rate: 12_121, esim: true},
	}, c.MoreProducts)
	for i := range c.MoreProducts {
		value := int64(i + 1)
		list = append(list, product{
			id: 10_000 + i, name: fmt.Sprintf("Telkomsel %d.000", value), kind: fixedRecharge, service: mobileService, operator: telkomsel(),
			unit: "IDR", amount: of(value * 1000), price: dollars(value * 7), rate: of(14_285), credit: mobile,
		})
	}
	return list
}

func serviceName(id int) string {
	return map[int]string{mobileService: "Mobile", billService: "Utilities", voucherService: "Gift cards", financeService: "Finance", esimService: "eSIM"}[id]
}

type object = map[string]any

// amountIn is an amount as the API writes it.
func amountIn(unit string, amount any) object {
	return object{"unit_type": "CURRENCY", "unit": unit, "amount": amount}
}

func (o operator) shown() object {
	return object{"id": o.id, "name": o.name, "country": object{"iso_code": o.country, "name": o.country, "regions": nil}, "regions": nil}
}

func fields(alternatives [][]string) [][]string {
	if alternatives == nil {
		return [][]string{}
	}
	return alternatives
}

// short is the product as a transaction shows it.
func (p product) short() object {
	return object{
		"id": p.id, "name": p.name, "description": p.name, "tags": []string{}, "operator": p.operator.shown(), "regions": nil, "type": p.kind,
		"service": object{"id": p.service, "name": serviceName(p.service), "subservice": nil},
	}
}

// shown is the product as the catalogue shows it.
func (p product) shown() object {
	shown := p.short()
	source, destination := any(p.price), any(p.amount)
	if p.ranged() {
		destination = object{"min": p.min, "max": p.max, "increment": p.increment}
		source = object{"min": p.cost(p.min), "max": -one, "increment": cent}
	}
	shown["source"], shown["destination"] = amountIn(dollar, source), amountIn(p.unit, destination)
	wholesale := amountIn(dollar, source)
	wholesale["fee"] = p.fee
	shown["prices"] = object{"wholesale": wholesale, "retail": nil}
	shown["rates"] = object{"base": p.rate, "wholesale": p.rate, "retail": nil}
	shown["validity"], shown["benefits"], shown["promotions"] = nil, []string{}, nil
	shown["availability_zones"] = []string{"INTERNATIONAL"}
	for name, alternatives := range map[string][][]string{
		"debit_party_identifier": nil, "credit_party_identifier": p.credit, "sender": p.sender, "beneficiary": nil,
		"statement_identifier": p.statement, "additional_identifier": nil,
	} {
		shown["required_"+name+"_fields"] = fields(alternatives)
	}
	return shown
}
