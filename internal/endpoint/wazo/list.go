package wazo

import (
	"cmp"
	"errors"
	"net/http"
	"slices"
	"strconv"
	"strings"
)

// mostItems is how many items one answer holds, whatever limit is asked for: an item has a few hundred
// bytes. total and filtered tell that there are more.
const mostItems = 10_000

// column is one member of the items of a list, as a query may use it.
type column[T any] struct {
	name string
	text func(T) string
	// flag says that the member is true or false.
	flag bool
	// folded says that a filter may be in any case, as a UUID in a path may.
	folded bool
	// hidden says that it cannot be ordered by; searched that a search looks into it.
	hidden, searched bool
}

// table is what may be asked of a list. The first column is the one that it is ordered by where nothing
// else is said.
type table[T any] []column[T]

// page is the answer to a query: how many items there are, how many of them it is about, and those of
// them that it asked for.
type page[T any] struct {
	Total    int `json:"total"`
	Filtered int `json:"filtered"`
	Items    []T `json:"items"`
}

// listQuery is what a query asks of a list.
type listQuery[T any] struct {
	order         column[T]
	descending    bool
	limit, offset int
	search        string
	filters       []filter[T]
}

// filter is what a column has to hold.
type filter[T any] struct {
	column column[T]
	value  string
}

// errListParam is the error of a parameter that cannot be used. Its resource is the same for every list:
// that is what clients know.
func errListParam(name, text string) *problem {
	return &problem{
		status:   http.StatusBadRequest,
		text:     name + ": " + text,
		id:       "invalid-list-param",
		details:  map[string]constraint{name: {Message: text}},
		resource: "users",
	}
}

// constraint is what a member or a parameter did not keep to.
type constraint struct {
	ID      string `json:"constraint_id,omitempty"`
	Message string `json:"message"`
}

// answer gives the page of some items that a query asks for. It reorders the items.
func (t table[T]) answer(items []T, rawQuery string) (*page[T], error) {
	q, err := t.parse(rawQuery)
	if err != nil {
		return nil, err
	}
	total := len(items)
	items = slices.DeleteFunc(items, func(item T) bool { return !t.matches(q, item) })
	slices.SortFunc(items, func(a, b T) int { return t.compare(q, a, b) })
	filtered := len(items)
	items = items[min(q.offset, filtered):]
	items = items[:min(q.limit, mostItems, len(items))]
	return &page[T]{Total: total, Filtered: filtered, Items: append([]T{}, items...)}, nil
}

func (t table[T]) matches(q *listQuery[T], item T) bool {
	for _, f := range q.filters {
		if f.column.text(item) != f.value {
			return false
		}
	}
	if q.search == "" {
		return true
	}
	return slices.ContainsFunc(t, func(c column[T]) bool {
		return c.searched && strings.Contains(strings.ToLower(c.text(item)), q.search)
	})
}

// compare orders two items by a column without regard to case, and what is equal there by the others, so
// that one page follows on another.
func (t table[T]) compare(q *listQuery[T], a, b T) int {
	order := cmp.Compare(strings.ToLower(q.order.text(a)), strings.ToLower(q.order.text(b)))
	for _, c := range t {
		if order != 0 {
			break
		}
		order = cmp.Compare(c.text(a), c.text(b))
	}
	if q.descending {
		return -order
	}
	return order
}

// parse reads a query. A parameter that is there twice is an error, for which of the two is meant?
// Names that nobody knows are ignored.
func (t table[T]) parse(raw string) (*listQuery[T], error) {
	p := &listQuery[T]{order: t[0], limit: mostItems}
	seen := map[string]bool{}
	for q := (query{rest: raw}); q.next(); {
		used, err := t.read(p, q.name, q.value)
		switch {
		case err != nil:
			return nil, err
		case used && seen[q.name]:
			return nil, errListParam(q.name, "must be there once")
		case used:
			seen[q.name] = true
		}
	}
	return p, nil
}

// read reads one parameter and tells whether it is one.
func (t table[T]) read(p *listQuery[T], name, value string) (used bool, err error) {
	switch name {
	case "limit":
		p.limit, err = parseCount(name, value)
	case "offset":
		p.offset, err = parseCount(name, value)
	case "direction":
		p.descending = value == "desc"
		if value != "asc" && value != "desc" {
			err = errListParam(name, "must be asc or desc")
		}
	case "search":
		p.search = strings.ToLower(value)
	case "recurse": // a tenant has none below it
		if _, ok := parseFlag(value); !ok {
			err = errListParam(name, "must be true or false")
		}
	case "order":
		at := slices.IndexFunc(t, func(c column[T]) bool { return c.name == value && !c.hidden })
		if at < 0 {
			return true, errListParam(name, "must be one of "+t.orders())
		}
		p.order = t[at]
	default:
		return t.readFilter(p, name, value)
	}
	return true, err
}

func (t table[T]) readFilter(p *listQuery[T], name, value string) (used bool, err error) {
	at := slices.IndexFunc(t, func(c column[T]) bool { return c.name == name })
	if at < 0 {
		return false, nil
	}
	if t[at].flag {
		flag, ok := parseFlag(value)
		if !ok {
			return true, errListParam(name, "must be true or false")
		}
		value = strconv.FormatBool(flag)
	}
	if t[at].folded {
		value = strings.ToLower(value)
	}
	p.filters = append(p.filters, filter[T]{t[at], value})
	return true, nil
}

func (t table[T]) orders() string {
	var all []string
	for _, c := range t {
		if !c.hidden {
			all = append(all, c.name)
		}
	}
	return strings.Join(all, ", ")
}

// parseCount reads a whole number. One beyond all items is as good as any other that is.
func parseCount(name, value string) (int, error) {
	count, err := strconv.ParseUint(value, 10, 31)
	if err != nil && !errors.Is(err, strconv.ErrRange) {
		return 0, errListParam(name, "must be a whole number from 0 on")
	}
	return int(count), nil
}

// parseFlag reads a truth value as clients of many languages write it.
func parseFlag(text string) (flag, ok bool) {
	switch strings.ToLower(text) {
	case "true", "t", "1", "yes", "y", "on":
		return true, true
	case "false", "f", "0", "no", "n", "off":
		return false, true
	}
	return false, false
}
