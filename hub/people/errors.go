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
	ErrNoAccount    = errors.New("no such account")
	ErrDisabled     = errors.New("this account is disabled")
	ErrSecondFactor = errors.New("the code of the second factor is needed")
	ErrCode         = errors.New("wrong code, or one that was used already")
	ErrNoKey        = errors.New("this hub has no key for second factors")
	ErrNoSession    = errors.New("no such session")
	ErrInvalid      = errors.New("this cannot be")
	ErrNoAbsence    = errors.New("no such absence")
)
