package wire

import (
	"fmt"

	"github.com/jalurhq/jalur/core"
	pb "github.com/jalurhq/jalur/plugins/proto/jalur/plugin/v1"
)

// ListProductsRequest writes a filter; the error is as in [Order].
func ListProductsRequest(filter core.ProductFilter) (*pb.ListProductsRequest, error) {
	if err := checkText(nil, filter.Product, filter.Cursor); err != nil {
		return nil, err
	}
	return &pb.ListProductsRequest{Product: filter.Product, Cursor: filter.Cursor}, nil
}

// ListProductsRequestFrom reads a filter.
func ListProductsRequestFrom(m *pb.ListProductsRequest) core.ProductFilter {
	return core.ProductFilter{Product: m.GetProduct(), Cursor: m.GetCursor()}
}

// ProductPage writes a page.
func ProductPage(page core.ProductPage) *pb.ProductPage {
	products := make([]*pb.Product, len(page.Products))
	for i, p := range page.Products {
		products[i] = &pb.Product{
			Code: text(p.Code), Name: text(p.Name), Amounts: amounts(p.Amounts), Fee: fee(p.Fee), Cashback: money(p.Cashback), Available: p.Available,
			Stock: p.Stock, CutOffs: windows(p.CutOffs),
		}
	}
	return &pb.ProductPage{Products: products, NextCursor: text(page.Next)}
}

// ProductPageFrom reads a page. One product that can't be read spoils it: half a catalogue looks like a whole one.
func ProductPageFrom(m *pb.ProductPage) (core.ProductPage, error) {
	page := core.ProductPage{Next: m.GetNextCursor()}
	for i, p := range m.GetProducts() {
		product, err := productFrom(p)
		if err != nil {
			return core.ProductPage{}, fmt.Errorf("product %d: %w", i, err)
		}
		page.Products = append(page.Products, product)
	}
	return page, nil
}

func productFrom(p *pb.Product) (core.Product, error) {
	var r reader
	return core.Product{
		Code: p.GetCode(), Name: p.GetName(), Amounts: r.amounts("amounts", p.GetAmounts()), Fee: r.fee(p.GetFee()),
		Cashback: r.money("cashback", p.GetCashback()), Available: p.GetAvailable(), Stock: stockFrom(p), CutOffs: windowsFrom(p.GetCutOffs()),
	}, r.err
}

func stockFrom(p *pb.Product) *int64 {
	if p == nil || p.Stock == nil {
		return nil
	}
	return new(p.GetStock())
}

func windows(all []core.DailyWindow) []*pb.DailyWindow {
	return each(all, func(w core.DailyWindow) *pb.DailyWindow {
		return &pb.DailyWindow{Start: text(w.Start), End: text(w.End), Zone: text(w.Zone)}
	})
}

func windowsFrom(all []*pb.DailyWindow) []core.DailyWindow {
	return each(all, func(w *pb.DailyWindow) core.DailyWindow {
		return core.DailyWindow{Start: w.GetStart(), End: w.GetEnd(), Zone: w.GetZone()}
	})
}

func fee(f core.Fee) *pb.Fee {
	return &pb.Fee{Expr: text(f.Expr), Known: f.Known, Flat: money(f.Flat), Fixed: f.Fixed, Rate: text(f.Rate)}
}

func (r *reader) fee(f *pb.Fee) core.Fee {
	return core.Fee{Expr: f.GetExpr(), Known: f.GetKnown(), Flat: r.money("fee", f.GetFlat()), Fixed: f.GetFixed(), Rate: f.GetRate()}
}
