package people

import "errors"

// What signing in and setting up can answer.
var (
	ErrSetupDone    = errors.New("the setup token was used or has expired")
	ErrToken        = errors.New("wrong setup token")
	ErrCredentials  = errors.New("wrong account or password")
	ErrLocked       = errors.New("too many failed attempts: wait, then try again")
	ErrWeakPassword = errors.New("the password needs at least 12 characters and must not be a known leaked one")
	ErrNoPerson     = errors.New("no such member of staff")
)
