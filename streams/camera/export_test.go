package camera

import "time"

// Linger shortens how long cameras go on without viewers.
func Linger(w *Wall, d time.Duration) { w.linger = d }
