package signaling

import (
	"encoding/json"
	"strings"
)

// Companion is a feature whose messages take the same way as those of calls.
// It is called by many goroutines at once, and must not wait for long.
type Companion interface {
	// Handle takes a message of a device on which person is signed in.
	Handle(person, device string, raw []byte)
	// Connected and Gone say that a device's connection begins and has ended.
	Connected(person, device string)
	Gone(person, device string)
}

// Accompany gives c every message whose type begins with prefix, within the
// quota of its device. To be called before the first message is handled.
func (s *Service) Accompany(prefix string, c Companion) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.beside[prefix] = c
}

// companion is whom a message is for; nil: it is about a call, or about
// nothing that is known.
func (s *Service) companion(raw []byte) Companion {
	var m struct {
		Type string `json:"type"`
	}
	if len(raw) > MaxMessage || json.Unmarshal(raw, &m) != nil {
		return nil
	}
	prefix, _, ok := strings.Cut(m.Type, ".")
	if !ok {
		return nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.beside[prefix+"."]
}

func (s *Service) companions() []Companion {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := make([]Companion, 0, len(s.beside))
	for _, c := range s.beside {
		all = append(all, c)
	}
	return all
}
