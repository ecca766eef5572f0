package open311

import (
	"encoding/xml"

	"gridhub/hub/identity"
)

// What the specification calls a service, its definition, a request and an
// error, in both formats. A list in JSON is an array, in XML an element around.

// Service is one kind of trouble that can be reported.
type Service struct {
	XMLName     xml.Name `json:"-" xml:"service"`
	Code        string   `json:"service_code" xml:"service_code"`
	Name        string   `json:"service_name" xml:"service_name"`
	Description string   `json:"description" xml:"description"`
	Metadata    bool     `json:"metadata" xml:"metadata"` // it has a definition with attributes
	Type        string   `json:"type" xml:"type"`         // realtime: an id comes at once
	Keywords    string   `json:"keywords" xml:"keywords"`
	Group       string   `json:"group" xml:"group"`
}

// Definition lists what a service asks beside the common fields.
type Definition struct {
	XMLName    xml.Name    `json:"-" xml:"service_definition"`
	Code       string      `json:"service_code" xml:"service_code"`
	Attributes []Attribute `json:"attributes" xml:"attributes>attribute"`
}

// Attribute is one question.
type Attribute struct {
	Variable    bool    `json:"variable" xml:"variable"` // an answer is wanted, not only shown
	Code        string  `json:"code" xml:"code"`
	Datatype    string  `json:"datatype" xml:"datatype"`
	Required    bool    `json:"required" xml:"required"`
	Help        string  `json:"datatype_description" xml:"datatype_description"`
	Order       int     `json:"order" xml:"order"`
	Description string  `json:"description" xml:"description"`
	Values      []Value `json:"values" xml:"values>value"`
}

// Value is one answer to choose.
type Value struct {
	Key  string `json:"key" xml:"key"`
	Name string `json:"name" xml:"name"`
}

// Request is a case as everybody may see it.
type Request struct {
	XMLName     xml.Name        `json:"-" xml:"request"`
	ID          identity.CaseID `json:"service_request_id" xml:"service_request_id"`
	Status      string          `json:"status" xml:"status"`
	Notes       string          `json:"status_notes" xml:"status_notes"`
	ServiceName string          `json:"service_name" xml:"service_name"`
	ServiceCode string          `json:"service_code" xml:"service_code"`
	Description string          `json:"description" xml:"description"` // only who has the code reads words
	Agency      string          `json:"agency_responsible" xml:"agency_responsible"`
	Notice      string          `json:"service_notice" xml:"service_notice"`
	Requested   string          `json:"requested_datetime" xml:"requested_datetime"`
	Updated     string          `json:"updated_datetime" xml:"updated_datetime"`
	Expected    string          `json:"expected_datetime" xml:"expected_datetime"`
	Address     string          `json:"address" xml:"address"`
	AddressID   string          `json:"address_id" xml:"address_id"`
	Zip         string          `json:"zipcode" xml:"zipcode"`
	Lat         float64         `json:"lat" xml:"lat"`
	Lon         float64         `json:"long" xml:"long"`
	Media       string          `json:"media_url" xml:"media_url"`
}

// Receipt answers a report. Token is the code to follow it by, shown once.
type Receipt struct {
	XMLName xml.Name        `json:"-" xml:"request"`
	ID      identity.CaseID `json:"service_request_id" xml:"service_request_id"`
	Token   string          `json:"token,omitempty" xml:"token,omitempty"`
	Notice  string          `json:"service_notice" xml:"service_notice"`
	Account string          `json:"account_id" xml:"account_id"`
}

// Fault is an error as the specification shows it.
type Fault struct {
	XMLName     xml.Name `json:"-" xml:"error"`
	Code        int      `json:"code" xml:"code"`
	Description string   `json:"description" xml:"description"`
}

func (f *Fault) Error() string { return f.Description }

// Progress is what who has the code reads of a case. It is no part of the
// specification.
type Progress struct {
	XMLName   xml.Name `json:"-" xml:"progress"`
	Request   Request  `json:"request" xml:"request"`
	Number    string   `json:"number" xml:"number"` // said on the phone
	Said      string   `json:"said" xml:"said"`     // the reporter's own words
	Steps     []Step   `json:"steps" xml:"steps>step"`
	MayReopen bool     `json:"may_reopen" xml:"may_reopen"`
}

// Step is one thing that happened, without who did it.
type Step struct {
	Step string `json:"step" xml:"step"`
	At   string `json:"at" xml:"at"`
}

type list struct {
	XMLName xml.Name
	Items   any
}
