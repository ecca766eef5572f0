package history

import "time"

// Unavailable is an error of a store that may pass: nothing is lost, the points
// wait. The Writer tries again after the longer of its own pause and After.
type Unavailable struct {
	After  time.Duration // what the server asked for; 0: nothing
	Person bool          // a person must look: credentials, a name, a setting
	Err    error
}

func (u *Unavailable) Error() string { return u.Err.Error() }

func (u *Unavailable) Unwrap() error { return u.Err }
