package audit

// migrations of the feature "audit". Rows are added, never changed. The columns
// beside bytes are for searching, and are held against the bytes by Verify.
var migrations = []string{`
CREATE TABLE audit (
	n INTEGER NOT NULL PRIMARY KEY, at INTEGER NOT NULL, account TEXT NOT NULL, person TEXT NOT NULL,
	act TEXT NOT NULL, subject TEXT NOT NULL, bytes BLOB NOT NULL, hash TEXT NOT NULL);
CREATE INDEX audit_account ON audit (account, n);
CREATE INDEX audit_person ON audit (person, n);
CREATE INDEX audit_subject ON audit (subject, n);
CREATE INDEX audit_act ON audit (act, n);
CREATE INDEX audit_at ON audit (at, n)`}

const (
	newest  = `SELECT n, hash FROM audit ORDER BY n DESC LIMIT 1`
	insert  = `INSERT INTO audit (n, at, account, person, act, subject, bytes, hash) VALUES (?, ?, ?, ?, ?, ?, ?, ?)`
	columns = `SELECT n, at, account, person, act, subject, bytes, hash FROM audit `
)
