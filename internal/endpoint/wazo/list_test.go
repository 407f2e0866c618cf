package wazo

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
)

type fruit struct {
	name, kind string
	ripe       bool
}

var fruits = table[fruit]{
	{name: "kind", text: func(f fruit) string { return f.kind }},
	{name: "name", text: func(f fruit) string { return f.name }, searched: true},
	{name: "ripe", text: func(f fruit) string { return fmt.Sprint(f.ripe) }, flag: true, hidden: true},
}

func basket() []fruit {
	return []fruit{{"quince", "pome", false}, {"Apple", "pome", true}, {"cherry", "Drupe", true}, {"pear", "pome", true}}
}

func TestList(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		query    string
		filtered int
		want     []string
	}{
		"no query orders by the first column, then by the others": {"", 4, []string{"cherry", "Apple", "pear", "quince"}},
		"an order without regard to case":                         {"order=name", 4, []string{"Apple", "cherry", "pear", "quince"}},
		"the other direction":                                     {"order=name&direction=desc", 4, []string{"quince", "pear", "cherry", "Apple"}},
		"the one that is the default":                             {"order=name&direction=asc", 4, []string{"Apple", "cherry", "pear", "quince"}},
		"a limit":                                                 {"order=name&limit=2", 4, []string{"Apple", "cherry"}},
		"a limit of nothing":                                      {"limit=0", 4, []string{}},
		"a limit beyond the end":                                  {"limit=2147483647&order=name", 4, []string{"Apple", "cherry", "pear", "quince"}},
		"an offset":                                               {"order=name&offset=3", 4, []string{"quince"}},
		"an offset beyond the end":                                {"offset=9", 4, []string{}},
		"a limit beyond all numbers":                              {"order=name&limit=99999999999999999999999", 4, []string{"Apple", "cherry", "pear", "quince"}},
		"an offset of more than a machine counts":                 {"offset=2147483648", 4, []string{}},
		"both":                                {"order=name&offset=1&limit=1", 4, []string{"cherry"}},
		"a search in any case":                {"search=PP", 1, []string{"Apple"}},
		"a search looks at some columns only": {"search=pome", 0, []string{}},
		"an empty search":                     {"search=&order=name&limit=1", 4, []string{"Apple"}},
		"an exact filter":                     {"name=Apple", 1, []string{"Apple"}},
		"an exact filter in another case":     {"name=apple", 0, []string{}},
		"a filter by a flag":                  {"ripe=No", 1, []string{"quince"}},
		"two filters":                         {"ripe=true&kind=pome&order=name", 2, []string{"Apple", "pear"}},
		"recurse":                             {"recurse=True&order=name&limit=1", 4, []string{"Apple"}},
		"not recurse":                         {"recurse=0&order=name&limit=1", 4, []string{"Apple"}},
		"what nobody knows":                   {"colour=red&colour=green&order=name&limit=1", 4, []string{"Apple"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := fruits.answer(basket(), tc.query)
			if err != nil {
				t.Fatal(err)
			}
			names := []string{}
			for _, f := range got.Items {
				names = append(names, f.name)
			}
			if diff := cmp.Diff(tc.want, names); diff != "" || got.Total != 4 || got.Filtered != tc.filtered {
				t.Errorf("total %d, filtered %d: %s", got.Total, got.Filtered, diff)
			}
		})
	}
}

func TestListRefuses(t *testing.T) {
	t.Parallel()
	for name, query := range map[string]string{
		"an order that is no column":         "order=colour",
		"an order that cannot be had":        "order=ripe",
		"an empty order":                     "order=",
		"a direction that is none":           "direction=up",
		"a direction in another case":        "direction=DESC",
		"a limit below zero":                 "limit=-1",
		"a limit that is no number":          "limit=ten",
		"a limit with a fraction":            "limit=1.5",
		"an empty limit":                     "limit=",
		"a limit with a sign":                "limit=%2B1",
		"an offset below zero":               "offset=-1",
		"an offset that is no number":        "offset=x",
		"a flag that is none":                "ripe=foo",
		"an empty flag":                      "ripe=",
		"a recurse that is no truth":         "recurse=maybe",
		"a parameter that is there twice":    "limit=1&limit=2",
		"a filter that is there twice":       "name=Apple&name=pear",
		"a bad one behind one that is right": "limit=1&offset=%",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := fruits.answer(basket(), query)
			p, ok := err.(*problem) //nolint:errorlint // it is returned as it is
			if !ok || p.status != 400 || p.id != "invalid-list-param" || p.resource != "users" {
				t.Errorf("%#v", err)
			}
		})
	}
}

func TestAListHasABound(t *testing.T) {
	t.Parallel()
	got, err := fruits.answer(make([]fruit, mostItems+5), "limit=2147483647")
	if err != nil || len(got.Items) != mostItems || got.Total != mostItems+5 || got.Filtered != mostItems+5 {
		t.Errorf("%d items of %d, %v", len(got.Items), got.Filtered, err)
	}
}

// FuzzList: whatever is asked of a list, it answers or says which parameter is wrong.
func FuzzList(f *testing.F) {
	f.Add("order=name&direction=desc&limit=1&offset=0&search=x&ripe=true&recurse=True")
	f.Add("limit=-1&%zz=&;a=b&&")
	f.Fuzz(func(t *testing.T, query string) {
		got, err := fruits.answer(basket(), query)
		if err != nil {
			if p, ok := err.(*problem); !ok || p.status != 400 { //nolint:errorlint // it is returned as it is
				t.Errorf("%#v", err)
			}
			return
		}
		if len(got.Items) > got.Filtered || got.Filtered > got.Total || got.Total != 4 || got.Items == nil {
			t.Errorf("%+v", got)
		}
	})
}
