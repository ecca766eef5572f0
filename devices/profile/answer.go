package profile

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"gridhub/configs"
)

// Answer is the type of a question's answer.
type Answer uint8

// The types of answers.
const (
	Text Answer = iota
	Number
	YesNo
	Choice
)

var answerNames = []string{"text", "number", "bool", "choice"}

// UnmarshalText reads the type's name.
func (a *Answer) UnmarshalText(text []byte) error {
	i := slices.Index(answerNames, string(text))
	if i < 0 {
		return fmt.Errorf("want one of %s", strings.Join(answerNames, ", "))
	}
	*a = Answer(i)
	return nil
}

// Validate checks the question and that its default answers it.
func (q Question) Validate() error {
	if q.Name == "" {
		return configs.Fault("name", nil, "a name")
	}
	if q.Type == Choice && len(q.Choices) == 0 {
		return configs.Fault("choices", nil, "a list of choices")
	}
	if q.Default != "" {
		if err := q.check(q.Default); err != nil {
			return configs.Fault("default", q.Default, "%s", err)
		}
	}
	return nil
}

// check says what is wrong with an answer.
func (q Question) check(answer string) error {
	switch q.Type {
	case Number:
		v, err := strconv.ParseFloat(answer, 64)
		if err != nil || q.Min != nil && v < *q.Min || q.Max != nil && v > *q.Max {
			return errors.New("a number" + bounds(q.Min, q.Max))
		}
	case YesNo:
		if answer != "true" && answer != "false" {
			return errors.New("true or false")
		}
	case Choice:
		if !slices.Contains(q.Choices, answer) {
			return errors.New("one of " + strings.Join(q.Choices, ", ") + meant(answer, q.Choices))
		}
	}
	return nil
}

// meant hints at the choice that a person most likely meant.
func meant(s string, known []string) string {
	if near := configs.Nearest(s, known); near != "" {
		return ": not known here, did you mean " + near + "?"
	}
	return ""
}

func bounds(low, high *float64) string {
	s := ""
	if low != nil {
		s += fmt.Sprintf(" from %v", *low)
	}
	if high != nil {
		s += fmt.Sprintf(" up to %v", *high)
	}
	return s
}

// answer returns what the installer said, or the default.
func (p *Profile) answer(name string, answers map[string]string) string {
	if a, ok := answers[name]; ok {
		return a
	}
	for _, q := range p.Questions {
		if q.Name == name {
			return q.Default
		}
	}
	return ""
}

// checkAnswers compares a device's answers with the profile's questions.
func (p *Profile) checkAnswers(answers map[string]string) (errs []error) {
	names := []string{}
	for _, q := range p.Questions {
		names = append(names, q.Name)
		a, given := answers[q.Name]
		switch {
		case !given && q.Default == "":
			errs = append(errs, configs.Fault("answers", nil, "an answer to %s (%s)", q.Name, q.Title.EN))
		case given:
			if err := q.check(a); err != nil {
				errs = append(errs, configs.Fault("answers."+q.Name, a, "%s", err))
			}
		}
	}
	for name := range answers {
		if !slices.Contains(names, name) {
			errs = append(errs, configs.Fault("answers."+name, nil, "a question of %s: %s", p.Ref(), configs.Unknown(name, names)))
		}
	}
	return errs
}
