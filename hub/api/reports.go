package api

import (
	"context"
	"errors"
	"fmt"

	"gridhub/hub/reports"

	"github.com/danielgtaylor/huma/v2"
)

// Reports are the workbooks that are made regularly.
type Reports interface {
	List(ctx context.Context) ([]reports.Workbook, error)
	File(ctx context.Context, name string) ([]byte, error)
}

type reportsOutput struct{ Body []reports.Workbook }

type reportFileInput struct {
	File string `path:"file" maxLength:"80" doc:"as the list names it"`
}

type reportFileOutput struct {
	Type        string `header:"Content-Type"`
	Disposition string `header:"Content-Disposition"`
	Cache       string `header:"Cache-Control"`
	Body        []byte
}

func (a *API) registerReports() {
	register(a, huma.Operation{OperationID: "reports", Method: "GET", Path: "/api/v1/figures/reports", Summary: "The reports that were made when they were due, newest first"}, a.reports)
	register(a, huma.Operation{OperationID: "report-file", Method: "GET", Path: "/api/v1/figures/reports/{file}", Summary: "A report, as a workbook"}, a.reportFile)
}

func (a *API) reports(ctx context.Context, _ *struct{}) (*reportsOutput, error) {
	all, err := a.deps.Reports.List(ctx)
	return &reportsOutput{Body: all}, err
}

func (a *API) reportFile(ctx context.Context, in *reportFileInput) (*reportFileOutput, error) {
	b, err := a.deps.Reports.File(ctx, in.File)
	if errors.Is(err, reports.ErrNotFound) {
		return nil, huma.Error404NotFound(err.Error())
	}
	return &reportFileOutput{Type: "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
		Disposition: fmt.Sprintf(`attachment; filename="%s"`, in.File), Cache: "no-store", Body: b}, err
}
