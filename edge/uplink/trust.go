package uplink

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"os"
	"strings"
)

// CheckCA reports whether path can be a Config's CA; the error says what was
// wanted.
func CheckCA(path string) error {
	_, err := readTrust(path)
	return err
}

// CheckSecret reports whether path can be a Config's PasswordFile.
func CheckSecret(path string) error {
	_, err := readSecret(path)
	return err
}

// readSecret returns the file's first line; no path is no secret. It is read
// for each connection, so that a new secret needs no restart.
func readSecret(path string) (string, error) {
	if path == "" {
		return "", nil
	}
	b, err := os.ReadFile(path)
	if err != nil {
		return "", fmt.Errorf("a readable file with the secret: %w", err)
	}
	line, _, _ := strings.Cut(string(b), "\n")
	if line = strings.TrimRight(line, "\r"); line == "" {
		return "", errors.New("a file whose first line is the secret")
	}
	return line, nil
}

// readTrust returns what the hub's certificate must be signed by: the
// authorities in the file, or without path the system's.
func readTrust(path string) (*tls.Config, error) {
	t := &tls.Config{MinVersion: tls.VersionTLS12}
	if path == "" {
		return t, nil
	}
	pem, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("a readable PEM file: %w", err)
	}
	t.RootCAs = x509.NewCertPool()
	if !t.RootCAs.AppendCertsFromPEM(pem) {
		return nil, errors.New("a file with a certificate in PEM form (-----BEGIN CERTIFICATE-----)")
	}
	return t, nil
}
