package view

import (
	"time"

	"github.com/jalurhq/jalur/core"
	"github.com/jalurhq/jalur/core/journal"
	"github.com/jalurhq/jalur/core/payments"
)

// Products is what can be bought.
type Products struct {
	Products []Product         `json:"products" nullable:"false"`
	Missing  map[string]string `json:"missing" doc:"Providers whose products could not be read, each with the reason."`
}

// Product is one thing that one provider sells.
type Product struct {
	Provider  string            `json:"provider"`
	Merchant  core.MerchantCode `json:"merchant" doc:"What an order names."`
	Code      string            `json:"code" doc:"The provider's own code."`
	Name      string            `json:"name"`
	Min       core.Money        `json:"min"`
	Max       core.Money        `json:"max"`
	Fee       core.Money        `json:"fee" doc:"What it costs beyond the amount; null where that isn't known or is no fixed sum."`
	Cashback  core.Money        `json:"cashback"`
	Available bool              `json:"available"`
}

// ProductsOf shows the listings and the providers that are missing among them.
func ProductsOf(listings []payments.Listing, missing map[string]error) Products {
	shown := Products{Products: make([]Product, len(listings)), Missing: make(map[string]string, len(missing))}
	for i, l := range listings {
		shown.Products[i] = Product{
			Provider: l.Provider, Merchant: l.Merchant, Code: l.Product.Code, Name: l.Product.Name,
			Min: l.Product.Amounts.Min, Max: l.Product.Amounts.Max, Fee: feeOf(l.Product.Fee),
			Cashback: l.Product.Cashback, Available: l.Product.Available,
		}
	}
	for provider, err := range missing {
		shown.Missing[provider] = err.Error()
	}
	return shown
}

// feeOf gives what is added to the amount. A fixed price, or a price by rate, isn't added to anything.
func feeOf(f core.Fee) core.Money {
	if !f.Known || f.Fixed || f.Rate != "" {
		return core.Money{}
	}
	return f.Flat
}

// Inquiry is a provider's quote, which a payment can be made from by its id.
type Inquiry struct {
	ID           string             `json:"id"`
	Merchant     core.MerchantCode  `json:"merchant"`
	Account      core.AccountNumber `json:"account"`
	Amount       core.Money         `json:"amount"`
	ReceiverName string             `json:"receiver_name"`
	Cost         core.Money         `json:"cost" doc:"What would leave the deposit."`
	Cashback     core.Money         `json:"cashback"`
	Provider     string             `json:"provider" doc:"Who gave the quote; a payment from it goes there."`
	ExpiresAt    *time.Time         `json:"expires_at"`
	Details      map[string]string  `json:"details"`
	Reserves     bool               `json:"reserves" doc:"The cost is held at the provider until the inquiry is paid, given up or expired."`
}

// InquiryOf shows a quote of the journal.
func InquiryOf(q journal.Inquiry) Inquiry {
	return Inquiry{
		ID: q.ID, Merchant: q.Merchant, Account: q.Account, Amount: q.Amount, ReceiverName: q.ReceiverName,
		Cost: q.Cost, Cashback: q.Cashback, Provider: q.Provider, ExpiresAt: timeOf(q.ExpiresAt), Details: detailsOf(q.Details),
		Reserves: q.Reserves,
	}
}
