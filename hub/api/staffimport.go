package api

import (
	"context"

	"gridhub/hub/people"
	"gridhub/hub/sheets"

	"github.com/danielgtaylor/huma/v2"
)

// StaffImport brings tables of staff in. Errors: people.ErrInvalid for a file
// that cannot be used at all.
type StaffImport interface {
	ImportTable(ctx context.Context, data []byte, dry bool) (people.ImportReport, error)
}

// maxStaffTable bounds an uploaded table of staff in bytes.
const maxStaffTable = 4 << 20

type staffImportInput struct {
	Dry     bool   `query:"dry" doc:"only say what would change, and every cell that is wrong"`
	RawBody []byte `contentType:"application/octet-stream"`
}

type staffImportOutput struct{ Body people.ImportReport }

type templateInput struct {
	Format string `query:"format" enum:"csv,xlsx" default:"xlsx"`
}

func (a *API) registerStaffImport() {
	register(a, huma.Operation{OperationID: "staff-template", Method: "GET", Path: "/api/v1/people/template", Summary: "An empty table of staff to fill in"}, a.staffTemplate)
	register(a, huma.Operation{OperationID: "import-staff", Method: "POST", Path: "/api/v1/people/import", Summary: "Import a table of staff, CSV or XLSX", MaxBodyBytes: maxStaffTable}, a.importStaff)
}

func (a *API) staffTemplate(_ context.Context, in *templateInput) (*huma.StreamResponse, error) {
	return table(in.Format, "staff", nil, func() sheets.Sheet { return people.Template() })
}

func (a *API) importStaff(ctx context.Context, in *staffImportInput) (*staffImportOutput, error) {
	r, err := a.deps.Import.ImportTable(ctx, in.RawBody, in.Dry)
	return &staffImportOutput{Body: r}, status(err)
}
