package people

// migrations of staff, accounts, sessions and duty. Sessions and passwords are
// kept as hashes only.
var migrations = []string{`
CREATE TABLE staff (id TEXT PRIMARY KEY, body TEXT NOT NULL);
CREATE TABLE accounts (
	name TEXT PRIMARY KEY, person TEXT NOT NULL, roles TEXT NOT NULL, password TEXT NOT NULL, created INTEGER NOT NULL);
CREATE TABLE sessions (
	hash TEXT PRIMARY KEY, account TEXT NOT NULL, created INTEGER NOT NULL, seen INTEGER NOT NULL);
CREATE TABLE duty (person TEXT NOT NULL, began INTEGER NOT NULL, ended INTEGER NOT NULL, PRIMARY KEY (person, began));
CREATE TABLE setup (id INTEGER PRIMARY KEY, hash TEXT NOT NULL, expires INTEGER NOT NULL)`,
}
