package api

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"gridhub/hub/hotline"
	"gridhub/hub/identity"
	"gridhub/hub/sheets"

	"github.com/danielgtaylor/huma/v2"
)

// Hotline imports orders of the 12345 hotline. Errors: hotline.ErrNotFound, and
// *tasks.RefusedError for a file that cannot be used at all.
type Hotline interface {
	Start(ctx context.Context, who identity.Principal, name string, data []byte) (hotline.Import, error)
	Take(ctx context.Context, who identity.Principal, orders []hotline.Order) ([]hotline.Result, error)
	Get(ctx context.Context, id string) (hotline.Import, error)
	List(ctx context.Context, limit int) ([]hotline.Import, error)
	Faults(ctx context.Context, id string) ([]hotline.Fault, error)
}

// maxImport bounds an uploaded table in bytes.
const maxImport = 32 << 20

type importInput struct {
	Name    string `query:"name" maxLength:"200" doc:"of the file, for the list"`
	RawBody []byte `contentType:"application/octet-stream"`
}

type importOutput struct{ Body hotline.Import }

type importsOutput struct{ Body []hotline.Import }

type oneImportInput struct {
	Import string `path:"import"`
}

type faultsInput struct {
	Import string `path:"import"`
	Format string `query:"format" enum:"json,csv,xlsx" default:"json"`
}

type ordersInput struct {
	Body []hotline.Order `minItems:"1" maxItems:"500"`
}

type ordersOutput struct{ Body []hotline.Result }

func (a *API) registerHotline() {
	register(a, huma.Operation{OperationID: "import-hotline", Method: "POST", Path: "/api/v1/hotline/imports", Summary: "Import a CSV or XLSX file of hotline orders; it goes on by itself", DefaultStatus: 202, MaxBodyBytes: maxImport}, a.importHotline)
	register(a, huma.Operation{OperationID: "hotline-imports", Method: "GET", Path: "/api/v1/hotline/imports", Summary: "Imports, newest first"}, a.hotlineImports)
	register(a, huma.Operation{OperationID: "hotline-import", Method: "GET", Path: "/api/v1/hotline/imports/{import}", Summary: "How far one import is"}, a.hotlineImport)
	register(a, huma.Operation{OperationID: "hotline-rejected", Method: "GET", Path: "/api/v1/hotline/imports/{import}/rejected", Summary: "Every rejected row: column, value, what was wanted"}, a.hotlineRejected)
	register(a, huma.Operation{OperationID: "hotline-orders", Method: "POST", Path: "/api/v1/hotline/orders", Summary: "Orders from a program; each has its own result"}, a.hotlineOrders)
}

func (a *API) importHotline(ctx context.Context, in *importInput) (*importOutput, error) {
	i, err := a.deps.Hotline.Start(ctx, who(ctx), in.Name, in.RawBody)
	return &importOutput{Body: i}, status(err)
}

func (a *API) hotlineImports(ctx context.Context, in *newestInput) (*importsOutput, error) {
	list, err := a.deps.Hotline.List(ctx, in.Limit)
	return &importsOutput{Body: list}, err
}

func (a *API) hotlineImport(ctx context.Context, in *oneImportInput) (*importOutput, error) {
	i, err := a.deps.Hotline.Get(ctx, in.Import)
	return &importOutput{Body: i}, noImport(err)
}

func (a *API) hotlineRejected(ctx context.Context, in *faultsInput) (*huma.StreamResponse, error) {
	list, err := a.deps.Hotline.Faults(ctx, in.Import)
	if err != nil {
		return nil, noImport(err)
	}
	return table(in.Format, "rejected-"+in.Import, list, func() sheets.Sheet { return hotline.Sheet(list) })
}

func noImport(err error) error {
	if errors.Is(err, hotline.ErrNotFound) {
		return huma.Error404NotFound(err.Error())
	}
	return err
}

func (a *API) hotlineOrders(ctx context.Context, in *ordersInput) (*ordersOutput, error) {
	res, err := a.deps.Hotline.Take(ctx, who(ctx), in.Body)
	return &ordersOutput{Body: res}, status(err)
}

// table answers with v as JSON, or with a sheet of it to download.
func table(format, name string, v any, sheet func() sheets.Sheet) (*huma.StreamResponse, error) {
	var b bytes.Buffer
	var err error
	kind := "application/json"
	switch format {
	case "csv":
		kind, err = "text/csv; charset=utf-8", sheets.WriteCSV(&b, sheet())
	case "xlsx":
		kind, err = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", sheets.WriteXLSX(&b, sheet())
	default:
		err = json.NewEncoder(&b).Encode(v)
	}
	if err != nil {
		return nil, err
	}
	return &huma.StreamResponse{Body: func(hc huma.Context) {
		hc.SetHeader("Content-Type", kind)
		if kind != "application/json" {
			hc.SetHeader("Content-Disposition", fmt.Sprintf(`attachment; filename="%s.%s"`, name, format))
		}
		hc.SetHeader("Cache-Control", "no-store")
		_, _ = io.Copy(hc.BodyWriter(), &b) // the reader left; nobody to tell
	}}, nil
}
