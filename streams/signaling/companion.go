package signaling

import (
	"encoding/json"
	"slices"
	"strings"

	"gridhub/streams/call"
)

// Alias lets a callee be the name of several: expand lists the persons whom a
// name stands for, which is itself for most. An error says why there are none,
// and is shown to the caller. To be called before the first message is handled.
func (s *Service) Alias(expand func(name string) ([]string, error)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.alias = expand
}

// resolve puts persons in the place of names; nobody calls themselves by one.
func (s *Service) resolve(from call.Person, i *call.Invite) error {
	s.mu.Lock()
	expand := s.alias
	s.mu.Unlock()
	if expand == nil || len(i.Callees) > call.MaxCallees {
		return nil
	}
	var out []call.Person
	for _, name := range i.Callees {
		name := string(name)
		people, err := expand(name)
		if err != nil {
			return err
		}
		for _, p := range people {
			if to := call.Person(p); !slices.Contains(out, to) && (to != from || p == name) {
				out = append(out, to)
			}
		}
	}
	i.Callees = out
	return nil
}

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
