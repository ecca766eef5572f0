package health

var migrations = []string{`
CREATE TABLE faults (id TEXT PRIMARY KEY, since INTEGER NOT NULL, until INTEGER NOT NULL, body TEXT NOT NULL);
CREATE INDEX faults_until ON faults (until, since)`,
}

const (
	putFault = `INSERT INTO faults (id, since, until, body) VALUES (?, ?, ?, ?)
		ON CONFLICT (id) DO UPDATE SET since = excluded.since, until = excluded.until, body = excluded.body`
	forget    = `DELETE FROM faults WHERE until <> 0 AND until < ?`
	listOpen  = `SELECT body FROM faults WHERE until = 0 ORDER BY since DESC, id LIMIT ?`
	listSince = `SELECT body FROM faults WHERE until = 0 OR until >= ? ORDER BY since DESC, id LIMIT ?`
)
