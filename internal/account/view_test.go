package account_test

import (
	"strings"
	"testing"

	"github.com/keyward/keyward/internal/account"
)

func TestViewsAreChecked(t *testing.T) {
	good := account.View{List: "licenses", Name: "  Ending   soon ", Query: "q=edi&sort=expiry&license=0193a0b0-0000-7000-8000-000000000000"}
	got, refused := good.Check()
	if refused != nil || got.Name != "Ending soon" {
		t.Errorf("checked as %q: %v", got.Name, refused)
	}
	for name, tt := range map[string]struct {
		change func(*account.View)
		field  string
	}{
		"no name":          {func(v *account.View) { v.Name = " \t" }, "name"},
		"a long name":      {func(v *account.View) { v.Name = strings.Repeat("ü", 61) }, "name"},
		"an unseen letter": {func(v *account.View) { v.Name = "a\u202eb" }, "name"},
		"no list":          {func(v *account.View) { v.List = "" }, "query"},
		"a long query":     {func(v *account.View) { v.Query = "q=" + strings.Repeat("-", 600) }, "query"},
		"a whole key":      {func(v *account.View) { v.Query = "q=KWD-ABCDE-FGHIJ-KLMNO" }, "query"},
		"no query at all":  {func(v *account.View) { v.Query = "%zz" }, "query"},
	} {
		v := good
		tt.change(&v)
		_, refused := v.Check()
		if refused == nil || len(refused.Fields) != 1 || refused.Fields[0].Name != tt.field {
			t.Errorf("%s: %v", name, refused)
		}
	}
	longest := good
	longest.Name = strings.Repeat("ü", 60)
	if _, refused := longest.Check(); refused != nil {
		t.Error(refused)
	}
}
