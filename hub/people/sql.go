package people

// migrations of staff, accounts, sessions and duty. Sessions and passwords are
// kept as hashes only, the secrets of second factors sealed. An account without
// scopes, such as one that was made before there were any, is not bounded.
var migrations = []string{`
CREATE TABLE staff (id TEXT PRIMARY KEY, body TEXT NOT NULL);
CREATE TABLE accounts (
	name TEXT PRIMARY KEY, person TEXT NOT NULL, roles TEXT NOT NULL, password TEXT NOT NULL, created INTEGER NOT NULL);
CREATE TABLE sessions (
	hash TEXT PRIMARY KEY, account TEXT NOT NULL, created INTEGER NOT NULL, seen INTEGER NOT NULL);
CREATE TABLE duty (person TEXT NOT NULL, began INTEGER NOT NULL, ended INTEGER NOT NULL, PRIMARY KEY (person, began));
CREATE TABLE setup (id INTEGER PRIMARY KEY, hash TEXT NOT NULL, expires INTEGER NOT NULL)`, `
ALTER TABLE accounts ADD COLUMN scopes TEXT NOT NULL DEFAULT '{}';
ALTER TABLE accounts ADD COLUMN disabled INTEGER NOT NULL DEFAULT 0;
ALTER TABLE accounts ADD COLUMN subject TEXT NOT NULL DEFAULT '';
ALTER TABLE sessions ADD COLUMN remote TEXT NOT NULL DEFAULT '';
ALTER TABLE sessions ADD COLUMN agent TEXT NOT NULL DEFAULT '';
ALTER TABLE sessions ADD COLUMN via TEXT NOT NULL DEFAULT 'password';
CREATE INDEX sessions_account ON sessions (account);
CREATE TABLE second_factors (
	account TEXT PRIMARY KEY, secret TEXT NOT NULL, confirmed INTEGER NOT NULL, step INTEGER NOT NULL);
CREATE TABLE recovery_codes (account TEXT NOT NULL, hash TEXT NOT NULL, PRIMARY KEY (account, hash));
CREATE TABLE absences (
	id TEXT PRIMARY KEY, person TEXT NOT NULL, began INTEGER NOT NULL, ended INTEGER NOT NULL, body TEXT NOT NULL)`,
}
