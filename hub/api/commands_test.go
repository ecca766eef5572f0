package api

import (
	"errors"
	"fmt"
	"testing"

	"gridhub/hub/commands"

	"github.com/danielgtaylor/huma/v2"
)

func TestCommandErrors(t *testing.T) {
	broken := errors.New("the disk is full")
	for err, want := range map[error]int{
		fmt.Errorf("siren-1: %w", commands.ErrUnknownDevice): 404,
		commands.ErrNotFound:                                          404,
		commands.ErrConflict:                                          409,
		fmt.Errorf("%w: 8", commands.ErrBusy):                         429,
		&commands.Invalid{Field: "value", Value: 2.0, Want: "0 or 1"}: 422,
	} {
		var answer huma.StatusError
		if got := commanded(err); !errors.As(got, &answer) || answer.GetStatus() != want {
			t.Errorf("%v is answered %v, want %d", err, got, want)
		}
	}
	if commanded(nil) != nil || !errors.Is(commanded(broken), broken) {
		t.Error("no error, or one that is the hub's, is changed")
	}
}
