package docs

import (
	_ "embed"
	"encoding/json"
	"fmt"

	"github.com/keyward/keyward/internal/fault"
	"github.com/keyward/keyward/internal/httpx"
	"github.com/keyward/keyward/verdict"
)

// codes are the codes that software may meet.
type codes struct {
	Verdicts []verdictCode
	Actions  []actionCode
	Faults   []faultCode
}

// verdictCode is why a license is not good for something.
type verdictCode struct {
	Code  string
	Words verdict.Words
}

// faultCode is why a request could not be answered. In what it says, three
// dots stand for what depends on the request.
type faultCode struct {
	Code    string `json:"code"`
	Kind    string `json:"kind"`
	Message string `json:"message"`
	Next    string `json:"next,omitempty"`
}

// Status is the HTTP status that the code comes with.
func (f faultCode) Status() int {
	for kind := fault.Internal; kind <= fault.Unavailable; kind++ {
		if kind.String() == f.Kind {
			return httpx.StatusOf(&fault.Error{Kind: kind, Code: f.Code})
		}
	}
	return httpx.Status(fault.Internal)
}

//go:embed faults.json
var faults []byte

func readCodes() (*codes, error) {
	c := &codes{Verdicts: []verdictCode{{string(verdict.Valid), verdict.Describe(verdict.Valid)}}}
	for _, code := range verdict.Codes() {
		c.Verdicts = append(c.Verdicts, verdictCode{string(code), verdict.Describe(code)})
	}
	for _, action := range verdict.Actions() {
		c.Actions = append(c.Actions, describeAction(action))
	}
	if err := json.Unmarshal(faults, &c.Faults); err != nil {
		return nil, fmt.Errorf("docs: faults.json: %w", err)
	}
	return c, nil
}
